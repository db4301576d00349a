"""The live page: its web socket, and the page itself in Debian's Chromium, driven by Playwright."""

import json
import shutil
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from small_store import PATIENCE_S, client_of, path, serving
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from examples.tour.live import apply
from examples.tour.service import Service

pytestmark = pytest.mark.anyio

FLIGHTS = [number for number in range(201, 230) if number % 10]  # their delays, too
WORST = FLIGHTS[::-1]
ROWS = 10

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Service]:
    async with serving(tmp_path_factory.mktemp("live"), FLIGHTS) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as http:
        yield http


def socket(service: Service, query: str = "") -> connect:
    return connect(f"ws{service.url.removeprefix('http')}/live/delays{query}", proxy=None)


async def message(live: ClientConnection) -> dict[str, Any]:
    with anyio.fail_after(PATIENCE_S):
        received: dict[str, Any] = json.loads(await live.recv())
    return received


async def result(service: Service, query: str = "") -> list[dict[str, Any]]:
    """What somebody sees who asks now."""
    async with socket(service, query) as live:
        first = await message(live)
    assert first["kind"] == "result"
    documents: list[dict[str, Any]] = first["documents"]
    return documents


async def test_a_list_is_kept_up_to_date(service: Service, http: httpx.AsyncClient) -> None:
    changes = [(201, 900), (202, 950), (201, 5), (229, 901), (203, 179), (202, 202)]
    async with socket(service) as live:
        listed = apply([], await message(live))
        assert [flight["dep_delay"] for flight in listed] == WORST[:ROWS]
        for number, minutes in changes:
            (await http.patch(path(number), json={"dep_delay": minutes})).raise_for_status()
            if listed == (expected := await result(service)):
                continue  # neither the old nor the new delay is among those that are shown
            while True:
                difference = await message(live)
                listed = apply(listed, difference)
                if difference["is_last"]:
                    break
            assert listed == expected, (number, minutes)
        assert [flight["dep_delay"] for flight in listed[:2]] == [901, 228]
    for number, _ in changes:
        await http.patch(path(number), json={"dep_delay": number})


async def test_a_list_for_one_airport(service: Service) -> None:
    listed = await result(service, "?origin=JFK&size=3")
    assert [(flight["origin"], flight["dep_delay"]) for flight in listed] == [("JFK", n) for n in (228, 226, 224)]


@pytest.mark.parametrize("query", ["?origin=jfk", "?size=1000", "?min_delay=x"])
async def test_refusals(service: Service, query: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await socket(service, query)


class Page:
    """What is to be seen on the page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    async def rows(self) -> list[str]:
        """Flight and minutes of each row."""
        texts: list[str] = await self.page.eval_on_selector_all(
            "#delays tr", "rows => rows.map(row => row.cells[0].textContent + ' ' + row.cells[4].textContent)"
        )
        return texts

    async def changes(self) -> list[str]:
        """What the changes say, the oldest first."""
        texts: list[str] = await self.page.eval_on_selector_all("#changes li", "all => all.map(one => one.textContent)")
        return texts[::-1]

    async def wait_for(self, condition: str, argument: Any = None) -> None:
        """Until a condition of the page, in JavaScript, holds."""
        await self.page.wait_for_function(condition, arg=argument, timeout=PATIENCE_S * 1000)

    async def wait_until_live(self) -> None:
        await self.wait_for("document.querySelectorAll('[data-state=live]').length === 2")

    async def wait_for_changes(self, count: int) -> None:
        await self.wait_for("count => document.querySelectorAll('#changes li').length === count", count)

    async def wait_for_minutes(self, minutes: list[int]) -> None:
        """Until the first rows have these delays."""
        await self.wait_for(
            "wanted => wanted.every((m, i) => document.querySelectorAll('.minutes')[i]?.textContent === String(m))",
            minutes,
        )


@pytest.fixture
async def page(service: Service) -> AsyncIterator[Page]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    browsers = pytest.importorskip("playwright.async_api")
    async with browsers.async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            shown = Page(await browser.new_page())
            await shown.page.goto(service.url)
            await shown.wait_until_live()
            yield shown
            assert shown.errors == []
        finally:
            await browser.close()


def row(number: int, minutes: int) -> str:
    return f"{('UA', 'B6', 'ZZ')[number % 3]} {number + 1} {minutes}"


async def test_the_page_in_a_browser(page: Page, service: Service, http: httpx.AsyncClient) -> None:
    assert await page.rows() == [row(number, number) for number in WORST[:ROWS]]
    assert await page.changes() == []

    await http.patch(path(WORST[-1]), json={"dep_delay": 1000})
    await page.wait_for_minutes([1000, WORST[0]])
    await page.wait_for_changes(1)
    assert await page.rows() == [row(WORST[-1], 1000), *[row(number, number) for number in WORST[: ROWS - 1]]]

    await page.page.click("#delays tr:nth-child(1) button")
    await page.wait_for_minutes([1015, WORST[0]])
    await page.wait_for_changes(2)

    await http.delete(path(WORST[-1]))
    await page.wait_for_minutes(WORST[:ROWS])
    await page.wait_for_changes(3)
    assert [text.split()[0] for text in await page.changes()] == ["update", "update", "delete"]

    await page.page.select_option("#origin", "JFK")
    await page.wait_for_minutes([number for number in WORST if number % 2 == 0][:ROWS])
    await page.page.select_option("#origin", "")
    await page.wait_for_minutes(WORST[:ROWS])

    await http.patch(path(WORST[20]), json={"dep_delay": 2000})
    await page.wait_for_changes(4)
    service.kill()
    await page.wait_for("document.querySelectorAll('[data-state=waiting]').length === 2")
    await service.start()
    await http.patch(path(WORST[21]), json={"dep_delay": 3000})  # before the page is back, or after it
    await page.wait_until_live()
    await page.wait_for_minutes([3000, 2000, WORST[0]])
    await page.wait_for_changes(5)
    changes = await page.changes()
    assert [json.loads(text[text.index("{") :])["dep_delay"] for text in changes[3:]] == [2000, 3000]
