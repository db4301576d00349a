"""`amongo stats` and `amongo compact`, on stores at rest and stores that somebody has open."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from amongo import MongoClient, cli
from amongo.cli.address import default_database, uri_of
from amongo.engine.at_rest import look
from tests.cli.running import documents, done, filled, run, served, served_elsewhere


def store_of(path: Path) -> Path:
    """A store with some of everything: two collections, an index, a checkpoint, and commits behind it."""
    with MongoClient(f"local://{path}") as client:
        client.shop.orders.insert_many([{"_id": at, "n": at % 7} for at in range(500)])
        client.shop.orders.create_index("n")
        client.shop.gone.insert_one({"_id": 1})
        client.admin.command("fsync")
        client.shop.orders.delete_many({"n": 3})
        client.shop.drop_collection("gone")
        client.shop.items.insert_one({"_id": 1, "a": "x" * 100})
    return path


def bytes_of(path: Path) -> dict[str, str]:
    return {
        str(each.relative_to(path)): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in sorted(path.rglob("*"))
        if each.is_file()
    }


def told(place: object) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(done("stats", place, "--json").stdout)
    return shown


def test_a_store_at_rest_is_told_and_not_changed(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    before = bytes_of(store)
    stats = told(store)
    assert bytes_of(store) == before
    found = {each["namespace"]: each for each in stats["collections"]}
    assert set(found) == {"shop.orders", "shop.items"}
    with MongoClient(f"local://{store}") as client:
        for namespace, each in found.items():
            sizes = client.shop.command("collStats", namespace.partition(".")[2])
            assert (each["documents"], each["dataBytes"]) == (sizes["count"], sizes["size"])
            assert [index["name"] for index in each["indexes"]] == list(sizes["indexSizes"])
    assert found["shop.orders"]["fileBytes"] > 0 and stats["snapshotBytes"] > 0
    assert stats["log"]["files"] >= 1 and stats["log"]["tornBytes"] == 0
    assert stats["checkpoint"] is not None and stats["lastCommit"] >= stats["checkpoint"]


def test_a_torn_tail_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1}])
    (log,) = (tmp_path / "store" / "log").iterdir()
    with open(log, "ab") as file:
        file.write(b"half")
    before = bytes_of(tmp_path / "store")
    assert told(tmp_path / "store")["log"]["tornBytes"] == 4
    assert bytes_of(tmp_path / "store") == before
    assert documents(tmp_path / "store") == [{"_id": 1}]


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    (store / "MANIFEST").write_bytes(b"damaged")
    result = run("stats", store)
    assert result.exit_code == cli.IMPOSSIBLE and "MANIFEST" in result.stderr


def test_a_store_that_is_open_is_asked(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    with served_elsewhere(store) as uri:
        for place in (uri, store):
            stats = told(place)
            assert {each["namespace"]: each["documents"] for each in stats["collections"]} == {
                "shop.orders": 429, "shop.items": 1,
            }  # fmt: skip
            assert stats["version"]
        done("import", store, "-", "-d", "shop", "-c", "items", "--type", "json", given='{"_id": 2}')  # attached
        assert told(uri)["collections"][0]["documents"] == 2


def test_tables(tmp_path: Path) -> None:
    shown = done("stats", store_of(tmp_path / "store")).stdout
    assert "shop.orders" in shown and "429" in shown and "n_1" in shown and "disk bytes" in shown


def test_compacting_keeps_everything_and_frees_space(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with MongoClient(f"local://{store}") as client:
        client.shop.orders.insert_many([{"_id": at, "a": f"{at}" * 50} for at in range(2000)])
        client.admin.command("fsync")
        client.shop.orders.delete_many({"_id": {"$gte": 100}})
    before = documents(store, "shop.orders")
    result = done("compact", store)
    assert "bytes of snapshot files freed" in result.stdout and not result.stdout.startswith("0 bytes")
    assert documents(store, "shop.orders") == before
    assert told(store)["collections"][0]["fileBytes"] < 100_000
    done("check", f"local://{store}")
    done("repair", f"local://{store}", tmp_path / "rescued")
    assert len(documents(tmp_path / "rescued", "shop.orders")) == 100


def test_compacting_one_collection_over_a_socket(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store")
    with served(store) as uri:
        assert "freed" in done("compact", uri, "-d", "shop", "-c", "orders").stdout
        refused = run("compact", uri, "-d", "shop", "-c", "nothing")
        assert refused.exit_code == cli.DAMAGED and "shop.nothing: " in refused.stdout
    assert run("compact", store, "-c", "orders").exit_code == cli.IMPOSSIBLE


@pytest.mark.parametrize("command", ["stats", "compact"])
def test_where_there_is_no_store(tmp_path: Path, command: str) -> None:
    result = run(command, tmp_path / "none")
    assert result.exit_code == cli.IMPOSSIBLE and "no store" in result.stderr
    assert not (tmp_path / "none").exists()


def test_looking_counts_what_the_log_has_alone(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": at} for at in range(3)])
    sizes = look(str(tmp_path / "store"))
    assert [(each.namespace, each.documents) for each in sizes.collections] == [("test.a", 3)]
    assert sizes.manifest_sequence is None


PLACES = {
    "data": "local://data",
    "/a b/c?d%": "local:///a%20b/c%3Fd%25",
    ":memory:": "memory://",
    "memory://x": "memory://x",
    "mongodb://h/d": "mongodb://h/d",
}


@pytest.mark.parametrize(("place", "uri"), PLACES.items(), ids=PLACES)
def test_uris_of_places(place: str, uri: str) -> None:
    assert uri_of(place) == uri
    assert default_database(place) == ("d" if place.endswith("/d") else None)


def test_a_path_with_odd_characters(tmp_path: Path) -> None:
    store = tmp_path / "a ?%41#"
    done("import", store, "-", "-c", "a", "--type", "json", given='{"_id": 1}')
    assert (tmp_path / "a ?%41#" / "log").is_dir()
    assert done("export", store, "-c", "a").stdout == '{"_id":1}\n'
