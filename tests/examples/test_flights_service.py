"""The example service over HTTP: a real uvicorn process on a small local:// store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from small_store import FLIGHTS, client_of, fill, flight, serving

from amongo import AsyncMongoClient
from examples.tour.crash import crash
from examples.tour.screen import Screen, StepFailed
from examples.tour.service import Service, ServiceFailed, free_port
from examples.tour.visits import NEW_FLIGHT

pytestmark = pytest.mark.anyio

MISSING = "f" * 24


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Service]:
    async with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
async def http(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(service) as http:
        yield http


async def test_one_flight(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/flights/{flight(7)['_id']}")
    assert answer.status_code == 200
    document = {name: value for name, value in flight(7).items() if name != "_id"}
    expected = document | {"id": f"{7:024x}", "time_hour": "2013-01-01T11:00:00Z"}
    absent = {"tailnum": None, "arr_time": None, "air_time": None}
    assert answer.json() == expected | absent


LISTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("carrier", {"carrier": "ZZ", "size": 3}, [2, 5, 8]),
    ("origin and month", {"origin": "EWR", "month": 2, "size": 3}, [1, 13, 25]),
    ("delay", {"min_delay": 57}, [57, 58, 59]),
    ("all together", {"carrier": "UA", "origin": "EWR", "dest": "SFO", "min_delay": 50}, [51, 57]),
    ("after an id", {"after": f"{56:024x}"}, [57, 58, 59]),
    ("nothing", {"dest": "XXX"}, []),
]


@pytest.mark.parametrize(("name", "query", "expected"), LISTS, ids=[case[0] for case in LISTS])
async def test_lists(http: httpx.AsyncClient, name: str, query: dict[str, Any], expected: list[int]) -> None:
    page = (await http.get("/flights", params=query)).json()
    assert [found["id"] for found in page["flights"]] == [f"{number:024x}" for number in expected]


async def test_pages_follow_each_other(http: httpx.AsyncClient) -> None:
    seen, sizes, after = [], [], None
    while after is not None or not seen:
        query = {"carrier": "UA", "size": 8} | ({"after": after} if after else {})
        page = (await http.get("/flights", params=query)).json()
        seen += [found["id"] for found in page["flights"]]
        sizes.append(len(page["flights"]))
        after = page["next"]
    assert seen == [f"{number:024x}" for number in range(0, FLIGHTS, 3)]
    assert sizes == [8, 8, 4]


async def test_delays(http: httpx.AsyncClient) -> None:
    delays = (await http.get("/stats/delays")).json()
    by_carrier = {}
    for place, carrier in enumerate(("UA", "B6", "ZZ")):
        late = [number for number in range(place, FLIGHTS, 3) if number % 10]
        by_carrier[carrier] = {
            "carrier": carrier,
            "airline": {"UA": "United Air Lines Inc.", "B6": "JetBlue Airways"}.get(carrier),
            "flights": 20,
            "cancelled": 20 - len(late),
            "mean_dep_delay": pytest.approx(sum(late) / len(late)),
            "mean_arr_delay": pytest.approx(sum(late) / len(late) - 10),
            "worst_dep_delay": max(late),
        }
    assert {entry["carrier"]: entry for entry in delays} == by_carrier
    assert [entry["mean_dep_delay"] for entry in delays] == sorted(
        (entry["mean_dep_delay"] for entry in delays), reverse=True
    )
    some = (await http.get("/stats/delays", params={"origin": "JFK", "month": 1})).json()
    assert sum(entry["flights"] for entry in some) == len(range(0, FLIGHTS, 12))


async def test_airports(http: httpx.AsyncClient) -> None:
    assert (await http.get("/airports/JFK")).json()["name"] == "John F Kennedy Intl"
    missing = await http.get("/airports/XYZ")
    assert (missing.status_code, missing.json()) == (404, {"detail": "no airport has the code XYZ"})


async def test_an_update_sets_and_takes_away(http: httpx.AsyncClient) -> None:
    path = f"/flights/{11:024x}"
    changed = (await http.patch(path, json={"dep_delay": 99, "arr_delay": None, "tailnum": "N1"})).json()
    assert (changed["dep_delay"], changed["arr_delay"], changed["tailnum"]) == (99, None, "N1")
    assert (await http.get(path)).json() == changed
    await http.patch(path, json={"dep_delay": 11, "arr_delay": 1, "tailnum": None})


async def test_a_flight_is_added_and_removed(http: httpx.AsyncClient) -> None:
    added = await http.post("/flights", json=NEW_FLIGHT)
    assert added.status_code == 201
    path = f"/flights/{added.json()['id']}"
    assert (await http.get(path)).json() == added.json()
    assert (await http.delete(path)).status_code == 204
    assert (await http.get(path)).status_code == 404
    assert (await http.delete(path)).status_code == 404


REFUSED: list[tuple[str, str, str, Any, int]] = [
    ("unknown flight", "GET", f"/flights/{MISSING}", None, 404),
    ("unknown flight changed", "PATCH", f"/flights/{MISSING}", {"dep_delay": 1}, 404),
    ("not an id", "GET", "/flights/17", None, 422),
    ("no change", "PATCH", f"/flights/{MISSING}", {}, 422),
    ("a field that cannot change", "PATCH", f"/flights/{MISSING}", {"carrier": "AA"}, 422),
    ("an operator in the place of a value", "PATCH", f"/flights/{MISSING}", {"dep_delay": {"$gt": 1}}, 422),
    ("month 13", "POST", "/flights", NEW_FLIGHT | {"month": 13}, 422),
    ("unknown field", "POST", "/flights", NEW_FLIGHT | {"$set": {}}, 422),
    ("a page too large", "GET", "/flights?size=1000", None, 422),
    ("a cursor that is no id", "GET", "/flights?after=x", None, 422),
    ("an airport code in small letters", "GET", "/airports/jfk", None, 422),
]


@pytest.mark.parametrize(("name", "method", "path", "body", "status"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_refusals(http: httpx.AsyncClient, name: str, method: str, path: str, body: Any, status: int) -> None:
    assert (await http.request(method, path, json=body)).status_code == status


async def test_api_docs(http: httpx.AsyncClient) -> None:
    assert "swagger" in (await http.get("/docs")).text
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        "/flights": ["get", "post"],
        "/flights/{id}": ["delete", "get", "patch"],
        "/airports/{faa}": ["get"],
        "/stats/delays": ["get"],
        "/feed": ["get"],
        "/holds": ["post"],
        "/health": ["get"],
    }


async def test_health(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok", "flights": FLIGHTS}


async def test_a_second_service_works_on_the_same_store(service: Service, tmp_path: Path) -> None:
    second = Service(service.uri, free_port(), tmp_path / "log")
    await second.start()
    try:
        async with client_of(second) as http:
            assert (await http.get("/health")).json() == {"status": "ok", "flights": FLIGHTS}
    finally:
        second.stop()


async def test_who_wants_the_store_alone_is_refused_and_told_why(service: Service, tmp_path: Path) -> None:
    second = Service(f"{service.uri}?shared=false", free_port(), tmp_path / "log")
    try:
        with pytest.raises(ServiceFailed, match=r"ConnectionFailure.*process"):
            await second.start()
    finally:
        second.stop()


async def test_a_listener_does_not_keep_the_service_from_ending(tmp_path: Path) -> None:
    service = Service("memory://", free_port(), tmp_path / "log")
    await service.start()
    async with (
        client_of(service) as http,
        http.stream("GET", "/feed"),
    ):
        process = service._process
        await anyio.to_thread.run_sync(service.stop)
    assert process is not None
    assert process.returncode != -9


class Silent(Screen):
    """Shows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.console.quiet = True


async def test_acknowledged_writes_survive_sigkill(tmp_path: Path) -> None:
    service = Service(fill(tmp_path / "store"), free_port(), tmp_path / "log")
    try:
        await service.start()
        await crash(service, Silent(), 60)
        await crash(service, Silent(), 60)
    finally:
        service.stop()
    assert not service.is_running
    client: AsyncMongoClient = AsyncMongoClient(service.uri)
    async with client:
        numbers = {found["flight"] async for found in client.nycflights.flights.find({"flight": {"$lte": FLIGHTS}})}
    assert numbers == set(range(1, FLIGHTS + 1))


async def test_a_lost_write_would_be_noticed(tmp_path: Path) -> None:
    class Forgetful(Service):
        """Comes back on a store from before the writes."""

        async def start(self) -> None:
            await super().start()
            self.uri = older

    older = fill(tmp_path / "older")
    service = Forgetful(fill(tmp_path / "store"), free_port(), tmp_path / "log")
    try:
        await service.start()
        with pytest.raises(StepFailed, match="every acknowledged write"):
            await crash(service, Silent(), 60)
    finally:
        service.stop()
