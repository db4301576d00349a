"""The pytest plugin, in pytest runs of its own, under several ways to run asynchronous tests."""

import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from types import FrameType

import pytest

from amongo.client import AsyncMongoClient
from amongo.client.sync import MongoClient
from amongo.runtime.blocking import drive

pytest_plugins = ["pytester"]

PLUGIN = "amongo.integrations.pytest"
# An installed amongo is found through its entry point; from a bare source tree the plugin is named.
_IS_INSTALLED = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
ARGUMENTS = ["-p", "no:cacheprovider", *([] if _IS_INSTALLED else ["-p", PLUGIN])]


def test_fixtures_are_fresh_for_every_test_on_every_backend(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.anyio
        @pytest.mark.parametrize("n", [1, 2])
        async def test_client(amongo_client, n):
            assert "shop" not in await amongo_client.list_database_names()
            await amongo_client.shop.orders.insert_one({"_id": 1})

        @pytest.mark.anyio
        async def test_database(amongo_database, amongo_client):
            assert amongo_database.name == "test"
            await amongo_database.c.insert_one({"_id": 1})
            assert await amongo_client.test.c.count_documents({}) == 1

        def test_own_loop(amongo_client):
            asyncio.run(amongo_client.shop.orders.insert_one({"_id": 1}))
            assert asyncio.run(amongo_client.shop.orders.find_one({})) == {"_id": 1}

        @pytest.mark.parametrize("n", [1, 2])
        def test_blocking(amongo_sync_client, amongo_client, n):
            assert "shop" not in amongo_sync_client.list_database_names()
            amongo_sync_client.shop.orders.insert_one({"_id": 1})
            assert "shop" not in asyncio.run(amongo_client.list_database_names())

        @pytest.fixture
        def kept(request):
            yield
            from pymongo.errors import InvalidOperation
            with pytest.raises(InvalidOperation):
                asyncio.run(request.node.client.shop.orders.find_one({}))

        def test_closed_afterwards(kept, amongo_client, request):
            request.node.client = amongo_client
        """
    )
    result = pytester.runpytest_inprocess(*ARGUMENTS, "-p", "anyio", "-W", "error")
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) == outcomes.get("errors", 0) == 0, result.stdout.str()
    assert outcomes["passed"] >= 3 * 2 + 4


def test_the_plugin_brings_no_web_framework() -> None:
    code = f"import sys, {PLUGIN}; print(sorted({{'fastapi', 'starlette', 'pydantic', 'trio'}} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def calls_of(action: Callable[[], object]) -> int:
    """How many functions are called by it, the second time that it is done."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    action()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_client_costs_next_to_nothing() -> None:
    """It takes some seventy calls of functions, and no thread."""
    threads = threading.active_count()
    assert 0 < calls_of(lambda: drive(AsyncMongoClient("memory://").close())) < 200
    assert threading.active_count() == threads


def test_a_fork_costs_little_however_much_there_is() -> None:
    """It takes some calls more, as many for ten thousand documents as for ten, and no thread."""
    found = []
    for count in (10, 10_000):
        with MongoClient("memory://") as template:
            template.test.items.create_index("n")
            template.test.items.insert_many([{"_id": n, "n": n} for n in range(count)])
            threads = threading.active_count()
            found.append(calls_of(lambda: template.fork().close()))
            assert threading.active_count() == threads
    assert 0 < max(found) < 600
    assert abs(found[0] - found[1]) < 30


SEEDS = {
    "blocking": """
        import pytest

        def fill(client):
            client.test.items.create_index("n")
            client.test.items.insert_many([{"_id": n, "n": n % 2} for n in range(100)])

        @pytest.fixture(scope="session")
        def amongo_seed():
            return fill
    """,
    "asynchronous": """
        import pytest

        async def fill(client):
            await client.test.items.create_index("n")
            await client.test.items.insert_many([{"_id": n, "n": n % 2} for n in range(100)])

        @pytest.fixture(scope="session")
        def amongo_seed():
            return fill
    """,
}


@pytest.mark.parametrize("conftest", SEEDS.values(), ids=SEEDS)
def test_every_test_begins_with_the_seed(pytester: pytest.Pytester, conftest: str) -> None:
    pytester.makeconftest(conftest)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.anyio
        @pytest.mark.parametrize("n", [1, 2])
        async def test_own_copy(amongo_database, n):
            assert await amongo_database.items.count_documents({"n": 1}) == 50
            await amongo_database.items.delete_many({"n": 1})
            await amongo_database.items.insert_one({"_id": "new"})

        @pytest.mark.parametrize("n", [1, 2])
        def test_blocking(amongo_sync_client, n):
            items = amongo_sync_client.test.items
            assert items.count_documents({}) == 100
            assert items.index_information().keys() == {"_id_", "n_1"}
            items.drop()
        """
    )
    result = pytester.runpytest_inprocess(*ARGUMENTS, "-p", "anyio", "-W", "error")
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) == outcomes.get("errors", 0) == 0, result.stdout.str()
    assert outcomes["passed"] >= 2 + 2
