"""What a client of the service does: each visit is one step over HTTP, and its answer is checked against the frames."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import isclose
from statistics import median
from time import perf_counter
from typing import Any

import anyio
import httpx
from websockets.asyncio.client import connect

from examples.tour import dataset
from examples.tour.events import Event, events
from examples.tour.live import apply
from examples.tour.screen import Screen, check, milliseconds

FEED_SECONDS = 60.0

NEW_FLIGHT = {
    "year": 2013,
    "month": 12,
    "day": 31,
    "carrier": "UA",
    "flight": 4711,
    "origin": "JFK",
    "dest": "SFO",
    "distance": 2586,
    "sched_dep_time": 2200,
    "sched_arr_time": 120,
    "time_hour": "2014-01-01T03:00:00Z",
}


async def visit(http: httpx.AsyncClient, screen: Screen) -> None:
    """All visits, in an order in which none disturbs the next.

    errors   StepFailed at the first answer that is not right
    """
    flights = await look_up(http, screen)
    await list_pages(http, screen)
    await aggregate(http, screen)
    await follow_feed(http, screen, flights[0])
    await hold_several(http, screen, flights[1:4])
    await watch_live(http, screen, flights[4])
    await add_and_remove(http, screen)


async def look_up(http: httpx.AsyncClient, screen: Screen) -> list[dict[str, Any]]:
    """GET /flights/{id} for many flights, one airport, and what is not there; gives the flights."""
    with screen.step("look-ups by id") as step:
        flights: list[dict[str, Any]] = _json(await http.get("/flights", params={"size": 200}))["flights"]
        durations = []
        for flight in random.sample(flights, 100):
            started = perf_counter()
            found = _json(await http.get(f"/flights/{flight['id']}"))
            durations.append(perf_counter() - started)
            check(found == flight, f"{found} is not the listed {flight}")
        airport = _json(await http.get("/airports/JFK"))
        check(airport["name"] == "John F Kennedy Intl", f"JFK is {airport}")
        missing = await http.get(f"/flights/{'0' * 24}")
        check(missing.status_code == httpx.codes.NOT_FOUND, f"an unknown id answers {missing.status_code}")
        bad = await http.get("/flights/17")
        check(bad.status_code == httpx.codes.UNPROCESSABLE_ENTITY, f"an id of two digits answers {bad.status_code}")
        step.note = f"100 flights, {milliseconds(median(durations))} each over HTTP; unknown ids are 404, bad ones 422"
    return flights


async def list_pages(http: httpx.AsyncClient, screen: Screen) -> None:
    """GET /flights with a filter, page after page, against the same filter in pandas."""
    with screen.step("a filtered list, page by page") as step:
        wanted: dict[str, Any] = {"carrier": "UA", "origin": "EWR", "month": 7, "min_delay": 180, "size": 50}
        listed: list[dict[str, Any]] = []
        pages, after = 0, None
        while after is not None or not pages:
            page = _json(await http.get("/flights", params=wanted | ({"after": after} if after else {})))
            listed += page["flights"]
            pages, after = pages + 1, page["next"]
        rows = dataset.frame("flights")
        rows = rows[(rows.carrier == "UA") & (rows.origin == "EWR") & (rows.month == 7) & (rows.dep_delay >= 180)]
        expected = list(zip(rows.flight.tolist(), rows.dep_delay.tolist(), strict=True))
        check([(flight["flight"], flight["dep_delay"]) for flight in listed] == expected, "the list differs")
        step.note = f"{len(listed)} flights of United from Newark in July, 3 hours late or more, on {pages} pages"


async def aggregate(http: httpx.AsyncClient, screen: Screen) -> None:
    """GET /stats/delays against pandas."""
    with screen.step("an aggregation over all flights, with airlines looked up") as step:
        answer = await http.get("/stats/delays")
        delays = {entry["carrier"]: entry for entry in _json(answer)}
        rows = dataset.frame("flights").groupby("carrier")
        expected = rows.agg(flights=("carrier", "size"), departed=("dep_time", "count"), mean=("dep_delay", "mean"))
        check(set(delays) == set(expected.index), f"carriers {sorted(delays)}")
        for carrier, row in expected.iterrows():
            entry = delays[carrier]
            check(entry["flights"] == row.flights, f"{carrier} has {entry['flights']} flights, not {row.flights}")
            check(entry["cancelled"] == row.flights - row.departed, f"{carrier}: {entry['cancelled']} cancelled")
            check(isclose(entry["mean_dep_delay"], row["mean"]), f"{carrier} is {entry['mean_dep_delay']} late")
        worst = next(iter(delays.values()))
        step.note = f"{len(delays)} airlines; the latest is {worst['airline']}, {worst['mean_dep_delay']:.1f} minutes"


async def follow_feed(http: httpx.AsyncClient, screen: Screen, flight: dict[str, Any]) -> None:
    """GET /feed in one task, PATCH /flights/{id} in another: the change stream tells of it, after a break too."""
    with screen.step("a change stream that shows an update arriving") as step:
        change = {"dep_delay": (flight.get("dep_delay") or 0) + 5}
        async with _listening(http) as feed:
            sent = perf_counter()
            changed = _json(await http.patch(f"/flights/{flight['id']}", json=change))
            event = await anext(feed)
            waited = perf_counter() - sent
        check(changed == flight | change, f"the update made {changed} of {flight}")
        check(_json(await http.get(f"/flights/{flight['id']}")) == changed, "the update is not there")
        _check_tells(event, changed)
        changed = _json(await http.patch(f"/flights/{flight['id']}", json={"dep_delay": 0}))  # while nobody listens
        async with _listening(http, event.id) as feed:
            _check_tells(await anext(feed), changed)
        step.note = f"{milliseconds(waited)} from PATCH to event; who was away goes on behind the last event"


async def hold_several(http: httpx.AsyncClient, screen: Screen, flights: list[dict[str, Any]]) -> None:
    """POST /holds: all flights in one transaction, or none."""
    with screen.step("several flights held in one transaction") as step:
        ids = [flight["id"] for flight in flights]
        before = [_json(await http.get(f"/flights/{id}"))["dep_delay"] or 0 for id in ids]
        hold = {"flights": ids, "minutes": 30, "reason": "thunderstorm"}
        async with _listening(http) as feed:
            refused = await http.post("/holds", json=hold | {"flights": [*ids, "f" * 24]})
            check(refused.status_code == httpx.codes.NOT_FOUND, f"an unknown flight answers {refused.status_code}")
            held = await http.post("/holds", json=hold)
            check(held.status_code == httpx.codes.CREATED, f"POST answers {held.status_code}: {held.text}")
            heard = [await anext(feed) for _ in ids]
        told = [event.document["fullDocument"]["dep_delay"] for event in heard]
        check(told == [delay + 30 for delay in before], f"the feed tells of the delays {told} after {before}")
        numbers = {event.document["txnNumber"] for event in heard}
        check(len(numbers) == 1, f"the feed tells of {len(numbers)} transactions")
        step.note = f"{len(ids)} flights, told of as one transaction; with an unknown one it is 404, and undone"


async def watch_live(http: httpx.AsyncClient, screen: Screen, flight: dict[str, Any]) -> None:
    """A web socket on the live query of the page: the worst delays, and how a change comes into them."""
    with screen.step("a live query on a web socket") as step, anyio.fail_after(FEED_SECONDS):
        address = f"ws{str(http.base_url).removeprefix('http').rstrip('/')}/live/delays?size=5"
        async with connect(address, proxy=None) as live:
            listed = apply([], json.loads(await live.recv()))
            rows = dataset.frame("flights").dep_delay.nlargest(5)
            check([shown["dep_delay"] for shown in listed] == rows.tolist(), "the worst delays are others")
            worst = int(rows.iloc[0]) + 1
            sent = perf_counter()
            await http.patch(f"/flights/{flight['id']}", json={"dep_delay": worst})
            is_last = False
            while not is_last:
                message = json.loads(await live.recv())
                listed, is_last = apply(listed, message), message["is_last"]
            waited = perf_counter() - sent
        check(listed[0]["_id"] == flight["id"] and len(listed) == 5, f"the list begins with {listed[0]}")
        expected = [worst, *(int(minutes) for minutes in rows.iloc[:4])]
        check([shown["dep_delay"] for shown in listed] == expected, "the list was not kept up to date")
        step.note = f"{milliseconds(waited)} from PATCH to the list in order; nothing was asked again"


@asynccontextmanager
async def _listening(http: httpx.AsyncClient, last: str | None = None) -> AsyncIterator[AsyncIterator[Event]]:
    """The feed from now on, or from behind the event `last`."""
    headers = {} if last is None else {"last-event-id": last}
    async with http.stream("GET", "/feed", headers=headers) as response:
        check(response.headers["content-type"].startswith("text/event-stream"), "the feed is no event stream")
        with anyio.fail_after(FEED_SECONDS):
            yield events(response)


def _check_tells(event: Event, flight: dict[str, Any]) -> None:
    told = event.document["fullDocument"]
    check(event.name == "update" and told["_id"] == flight["id"], f"the feed tells of {event}")
    check(told["dep_delay"] == flight["dep_delay"], f"the feed tells of a delay of {told['dep_delay']}")


async def add_and_remove(http: httpx.AsyncClient, screen: Screen) -> None:
    """POST, DELETE, and a POST that is refused."""
    with screen.step("a flight added and removed") as step:
        added = await http.post("/flights", json=NEW_FLIGHT)
        check(added.status_code == httpx.codes.CREATED, f"POST answers {added.status_code}: {added.text}")
        path = f"/flights/{added.json()['id']}"
        check(_json(await http.get(path)) == added.json(), "the added flight is another one")
        removed = await http.delete(path)
        check(removed.status_code == httpx.codes.NO_CONTENT, f"DELETE answers {removed.status_code}")
        check((await http.get(path)).status_code == httpx.codes.NOT_FOUND, "the removed flight is there")
        refused = await http.post("/flights", json=NEW_FLIGHT | {"month": 13})
        check(refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY, "a flight in month 13 was taken")
        step.note = "201 when it is on the disk, 204, then 404; a flight in month 13 is 422"


def _json(response: httpx.Response) -> Any:
    check(response.is_success, f"{response.request.method} {response.request.url} answers {response.status_code}")
    return response.json()
