"""The parts of the tour that can be seen without a service: the documents, the events, the exit codes."""

import math
import subprocess
import sys
from datetime import datetime
from typing import Any

import anyio
import httpx
import pytest

from examples.tour import dataset
from examples.tour.events import events
from examples.tour.screen import Screen, StepFailed, check


def first(name: str, count: int = 1) -> list[dict[str, Any]]:
    table = next(table for table in dataset.TABLES if table.name == name)
    return next(dataset.batches(table, count))


def test_a_flight_has_integers_and_a_date() -> None:
    (flight,) = first("flights")
    assert {name: type(value) for name, value in flight.items()} == {
        **dict.fromkeys(("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time"), int),
        **dict.fromkeys(("sched_arr_time", "arr_delay", "flight", "air_time", "distance", "hour", "minute"), int),
        **dict.fromkeys(("carrier", "tailnum", "origin", "dest"), str),
        "time_hour": datetime,
    }
    assert flight["time_hour"].isoformat() == "2013-01-01T10:00:00+00:00"


def test_missing_values_are_missing_fields() -> None:
    flights = first("flights", 1000)
    cancelled = [flight for flight in flights if "dep_time" not in flight]
    assert len(cancelled) == int(dataset.frame("flights")[:1000].dep_time.isna().sum()) > 0
    assert all(value is not None and value == value for flight in flights for value in flight.values())


def test_weather_keeps_its_fractions() -> None:
    (hour,) = first("weather")
    assert hour["temp"] == 39.02
    assert "wind_gust" not in hour
    assert not any(isinstance(value, float) and math.isnan(value) for value in hour.values())


@pytest.mark.parametrize(("name", "key"), [("airlines", "9E"), ("airports", "04G"), ("planes", "N10156")])
def test_natural_keys_are_ids(name: str, key: str) -> None:
    assert first(name)[0]["_id"] == key


def test_there_are_at_least_300_000_documents() -> None:
    assert len(dataset.frame("flights")) >= 300_000


@pytest.mark.anyio
async def test_events_are_read_from_lines() -> None:
    text = b'retry: 1\n\n: heartbeat\n\nid: 7\nevent: update\ndata: {"a":": "}\n\ndata: {}\n\ndata: {"un'
    response = httpx.Response(200, content=text)
    heard = [(event.name, event.id, event.document) async for event in events(response)]
    assert heard == [("update", "7", {"a": ": "}), ("message", "", {})]


def test_a_step_shows_what_failed() -> None:
    screen = Screen()
    with screen.console.capture() as shown, pytest.raises(StepFailed, match="the step"), screen.step("the step"):
        check(1 + 1 == 3, "one and one is two")
    assert "✗ the step: one and one is two" in shown.get()


def test_a_step_shows_its_note_and_time() -> None:
    screen = Screen()
    with screen.console.capture() as shown, screen.step("the step") as step:
        step.note = "[2] of [2]"
    assert shown.get().startswith("  ✓ the step: [2] of [2] (")


@pytest.mark.anyio
async def test_a_step_shows_the_reason_inside_a_task_group() -> None:
    async def fail() -> None:
        check(False, "not acknowledged")

    screen = Screen()
    with screen.console.capture() as shown, pytest.raises(StepFailed), screen.step("the step"):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
    assert "✗ the step: not acknowledged" in shown.get()


def test_a_tour_that_fails_exits_with_1(tmp_path: Any) -> None:
    """A taken port: the service cannot start. The data set is replaced by its smallest table."""
    script = """
import socket, sys
from examples.tour import __main__ as tour, dataset
dataset.TABLES = dataset.TABLES[:1]
taken = socket.create_server(("127.0.0.1", 0))
sys.argv = ["tour", "--once", "--port", str(taken.getsockname()[1])]
sys.exit(tour.main())
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "The tour failed" in ran.stdout
    assert "address already in use" in ran.stdout
