"""The code in docs/guide/web.md: all of it is Python, and the two applications answer."""

import ast
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "web.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.strip().splitlines()[0][:40] for block in BLOCKS])
def test_every_block_is_python(block: str) -> None:
    compile(block, "web.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def block_with(text: str) -> dict[str, Any]:
    """The names that the one block with `text` defines."""
    (block,) = [block for block in BLOCKS if text in block]
    names: dict[str, Any] = {}
    exec(compile(block, "web.md", "exec"), names)
    return names


APPLICATIONS = [("BsonResponse(found)", "/orders/65f0c0ffee0ddf00d0000001", 404), ("Starlette(routes", "/orders", 200)]


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "path", "status"), APPLICATIONS, ids=["fastapi", "starlette"])
async def test_applications_answer(
    text: str, path: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = block_with(text)["app"]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        assert (await http.get(path)).status_code == status
