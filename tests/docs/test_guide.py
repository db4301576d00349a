"""The examples of the guide run, from top to bottom."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from amongo import AsyncMongoClient

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "language.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.anyio
async def test_the_examples_of_the_language() -> None:
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 10
    source = "async def examples(client, db):\n" + textwrap.indent("\n".join(blocks), "    ")
    names: dict[str, Any] = {}
    exec(compile(source, str(GUIDE), "exec"), names)
    async with AsyncMongoClient("memory://") as client:
        await names["examples"](client, client.shop)


@pytest.mark.parametrize(
    "page", sorted([*GUIDE.parent.glob("*.md"), GUIDE.parents[2] / "README.md"]), ids=lambda page: page.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
