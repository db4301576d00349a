"""The code in docs/guide/web.md: all of it is Python, and the two applications answer."""

import ast
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "web.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.strip().splitlines()[0][:40] for block in BLOCKS])
def test_every_block_is_python(block: str) -> None:
    compile(block, "web.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def blocks_with(*texts: str) -> dict[str, Any]:
    """The names that the blocks with these texts define, one after the other."""
    names: dict[str, Any] = {}
    for text in texts:
        (block,) = [block for block in BLOCKS if text in block]
        exec(compile(block, "web.md", "exec"), names)
    return names


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http,
    ):
        yield http


APPLICATIONS = [("BsonResponse(found)", "/orders/65f0c0ffee0ddf00d0000001", 404), ("Starlette(routes", "/orders", 200)]


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "path", "status"), APPLICATIONS, ids=["fastapi", "starlette"])
async def test_applications_answer(
    text: str, path: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with serving(blocks_with(text)["app"]) as http:
        assert (await http.get(path)).status_code == status


@pytest.mark.anyio
async def test_transactions_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = blocks_with("BsonResponse(found)", "async def place", "async def restock", "async def news", "live_orders")
    async with serving(names["app"]) as http:
        assert (await http.post("/restock?item=tea&n=1")).json()["n"] == 1
        placed = [await http.post("/orders?item=tea") for _ in range(2)]
        assert [answer.status_code for answer in placed] == [201, 409]
        assert (await http.get(f"/orders/{placed[0].json()['_id']}")).json()["item"] == "tea"
