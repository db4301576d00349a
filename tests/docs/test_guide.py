"""The examples of the guide run, from top to bottom."""

import re
import textwrap
from pathlib import Path
from typing import Any

import anyio
import pytest

from amongo import AsyncMongoClient

GUIDES = Path(__file__).parents[2] / "docs" / "guide"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "least"), [("language", 10), ("live", 3), ("sessions", 2)])
async def test_the_examples_of_a_page(name: str, least: int) -> None:
    page = GUIDES / f"{name}.md"
    blocks = BLOCK.findall(await anyio.Path(page).read_text(encoding="utf-8"))
    assert len(blocks) >= least
    source = "async def examples(client, db):\n" + textwrap.indent("\n".join(blocks), "    ")
    names: dict[str, Any] = {}
    exec(compile(source, str(page), "exec"), names)
    async with AsyncMongoClient("memory://") as client:
        await names["examples"](client, client.shop)


@pytest.mark.parametrize(
    "page", sorted([*GUIDES.glob("*.md"), GUIDES.parents[1] / "README.md"]), ids=lambda page: page.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
