"""The feed and the holds over HTTP: real server-sent events of a real process, resumed, and whole transactions."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from small_store import MISSING, PATIENCE_S, client_of, path, serving

from examples.tour.events import Event, events
from examples.tour.service import Service
from examples.tour.visits import NEW_FLIGHT

pytestmark = pytest.mark.anyio

Told = list[tuple[str, str, int | None]]
"""What events tell of: operation, flight, delay."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Service]:
    async with serving(tmp_path_factory.mktemp("feed"), range(40), FLIGHTS_HEARTBEAT_SECONDS="0.05") as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as http:
        yield http


@asynccontextmanager
async def listening(http: httpx.AsyncClient, last: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
    """The feed's events from now on, or from behind the event `last`."""
    headers = {} if last is None else {"last-event-id": last}
    async with http.stream("GET", "/feed", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        with anyio.fail_after(PATIENCE_S):
            yield events(response)


async def take(feed: AsyncIterator[Event], count: int) -> list[Event]:
    return [await anext(feed) for _ in range(count)]


def told(heard: list[Event]) -> Told:
    return [
        (
            event.name,
            event.document["documentKey"]["_id"],
            event.document.get("updateDescription", {}).get("updatedFields", {}).get("dep_delay"),
        )
        for event in heard
    ]


async def delay(http: httpx.AsyncClient, number: int, minutes: int) -> None:
    (await http.patch(path(number), json={"dep_delay": minutes})).raise_for_status()


def delayed(number: int, minutes: int) -> tuple[str, str, int]:
    return "update", f"{number:024x}", minutes


async def test_two_listeners_hear_of_every_change(http: httpx.AsyncClient) -> None:
    async with listening(http) as one, listening(http) as two:
        await delay(http, 13, 14)
        await delay(http, 13, 13)
        added = (await http.post("/flights", json=NEW_FLIGHT)).json()["id"]
        await http.delete(f"/flights/{added}")
        heard = [await take(one, 4), await take(two, 4)]
    assert heard[0] == heard[1]
    assert told(heard[0])[:2] == [delayed(13, 14), delayed(13, 13)]
    assert told(heard[0])[2:] == [("insert", added, None), ("delete", added, None)]
    assert heard[0][0].document["fullDocument"]["flight"] == 14
    ids = [event.id for event in heard[0]]
    assert ids == sorted(set(ids))  # resume tokens, in the order of the events


async def test_who_was_away_goes_on_behind_the_last_event(http: httpx.AsyncClient) -> None:
    """Connections that end after any number of events: together they tell of every write, once and in order."""
    async with listening(http) as feed:
        await delay(http, 1, 500)
        last = (await anext(feed)).id
    written: Told = []
    heard: list[Event] = []

    async def write(number: int, minutes: int) -> None:
        await delay(http, number, minutes)
        written.append(delayed(number, minutes))

    for number, count in enumerate((1, 4, 0, 2, 3, 5)):
        await write(1, 501 + number)
        await write(2, 501 + number)
        async with listening(http, last) as feed:
            await write(3, 501 + number)
            heard += await take(feed, count)
        last = heard[-1].id
    async with listening(http, last) as feed:
        heard += await take(feed, len(written) - len(heard))
    assert told(heard) == written


async def test_heartbeats_keep_a_silent_connection(http: httpx.AsyncClient) -> None:
    async with http.stream("GET", "/feed") as response:
        lines = response.aiter_lines()
        with anyio.fail_after(PATIENCE_S):
            retry, position, *rest = [await anext(lines) for _ in range(7)]
    assert (retry, position[:4], rest) == ("retry: 1000", "id: ", ["", ": heartbeat", "", ": heartbeat", ""])


async def test_who_heard_nothing_misses_nothing_either(http: httpx.AsyncClient) -> None:
    """The first lines say where the stream begins, before there is an event."""
    async with http.stream("GET", "/feed") as response:
        lines = response.aiter_lines()
        with anyio.fail_after(PATIENCE_S):
            position = [await anext(lines) for _ in range(2)][1].removeprefix("id: ")
    await delay(http, 5, 800)
    async with listening(http, position) as feed:
        assert told(await take(feed, 1)) == [delayed(5, 800)]


async def test_an_id_that_leads_nowhere_is_told_and_taken_away(http: httpx.AsyncClient) -> None:
    with anyio.fail_after(PATIENCE_S):
        answer = await http.get("/feed", headers={"last-event-id": "nonsense"})  # which ends
    assert answer.status_code == 200
    _, event, _ = answer.text.split("\n\n")
    assert event == 'id:\nevent: error\ndata: {"code":9,"codeName":"FailedToParse"}'


async def delays(http: httpx.AsyncClient, *numbers: int) -> list[int]:
    return [(await http.get(path(number))).json()["dep_delay"] for number in numbers]


def held(minutes: int, *numbers: int) -> dict[str, Any]:
    return {"flights": [f"{number:024x}" for number in numbers], "minutes": minutes, "reason": "thunderstorm"}


async def test_a_hold_is_one_transaction(http: httpx.AsyncClient) -> None:
    before = await delays(http, 21, 22, 23)
    async with listening(http) as feed:
        answer = await http.post("/holds", json=held(30, 21, 22, 23))
        heard = await take(feed, 3)
    assert answer.status_code == 201
    expected = [minutes + 30 for minutes in before]
    assert await delays(http, 21, 22, 23) == expected
    assert told(heard) == [delayed(number, minutes) for number, minutes in zip((21, 22, 23), expected, strict=True)]
    transactions = {(str(event.document["lsid"]), event.document["txnNumber"]) for event in heard}
    assert len(transactions) == 1
    assert len({str(event.document["clusterTime"]) for event in heard}) == 1


async def test_a_hold_of_what_does_not_exist_holds_nothing(http: httpx.AsyncClient) -> None:
    before = await delays(http, 24, 25)
    async with listening(http) as feed:
        answer = await http.post("/holds", json=held(30, 24, 25, MISSING))
        await delay(http, 26, 600)
        heard = await take(feed, 1)
    assert answer.status_code == 404
    assert await delays(http, 24, 25) == before
    assert told(heard) == [delayed(26, 600)]  # the first thing that happened


async def test_holds_at_the_same_time_add_up(http: httpx.AsyncClient) -> None:
    """Each answer is 201 or 503; who sends again what was 503 gets it done, and nothing counts twice."""
    numbers = (31, 32, 33, 34)
    before = await delays(http, *numbers)
    answers: Counter[int] = Counter()

    async def hold(order: tuple[int, ...]) -> None:
        while (answer := await http.post("/holds", json=held(10, *order))).status_code == 503:
            assert answer.headers["retry-after"] == "1"
            answers[503] += 1
        answers[answer.status_code] += 1

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(hold, numbers if number % 2 else numbers[::-1])
    assert answers[201] == 12
    assert set(answers) <= {201, 503}
    assert await delays(http, *numbers) == [minutes + 120 for minutes in before]


async def test_the_feed_goes_on_after_a_crash(tmp_path: Path) -> None:
    async with serving(tmp_path, range(5)) as service, client_of(service) as http:
        async with listening(http) as feed:
            await delay(http, 1, 700)
            (first,) = await take(feed, 1)
        await delay(http, 2, 700)
        service.kill()
        await service.start()
        await delay(http, 3, 700)
        async with listening(http, first.id) as feed:
            assert told(await take(feed, 2)) == [delayed(2, 700), delayed(3, 700)]
