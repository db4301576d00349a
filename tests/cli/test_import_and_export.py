"""`amongo import` and `amongo export`: every format there and back, modes, what is refused, and what is said of it."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bson import encode as bson_encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amongo import MongoClient, cli
from amongo.cli.exporting import projection_of
from amongo.cli.transfer import loading
from amongo.cli.transfer.archive import ArchiveWriter
from amongo.cli.transfer.dump_metadata import Metadata
from amongo.values.codec import encode
from tests.cli.drawn_documents import DOCUMENTS, numbered
from tests.cli.running import ROOT, documents, done, filled, raw_documents, run, served

FORMATS = {
    "json": ("a.json", ["--jsonFormat", "canonical"]),
    "json array": ("a.json", ["--jsonFormat", "canonical", "--jsonArray"]),
    "json compressed": ("a.json.gz", ["--jsonFormat", "canonical"]),
    "bson": ("a.bson", []),
    "bson compressed": ("a.bson", ["--gzip"]),
    "archive": ("a.archive", ["-d", "test"]),
    "archive compressed": ("a.archive.gz", ["-d", "test"]),
    "dump": ("dump", ["--type", "dump"]),
    "dump compressed": ("dump", ["--type", "dump", "--gzip"]),
}


@pytest.mark.parametrize(("name", "options"), FORMATS.values(), ids=FORMATS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=5)
@given(drawn=st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_every_type_comes_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, Any]], name: str, options: list[str]
) -> None:
    path = tmp_path_factory.mktemp("formats")
    raws = [encode(each) for each in numbered(drawn)]
    filled(path / "store", numbered(drawn))
    where = [] if name.startswith("dump") or "archive" in name else ["-c", "a"]
    done("export", path / "store", path / name, *where, *options)
    done("import", path / "again", path / name, *where)
    assert raw_documents(path / "again") == raws


def test_csv_and_parquet(tmp_path: Path) -> None:
    given_documents = [{"_id": 1, "a": "x", "b": {"c": 1.5}}, {"_id": 2, "a": "y,z", "b": {"c": 2.5}}]
    filled(tmp_path / "store", given_documents)
    done("export", tmp_path / "store", tmp_path / "a.csv", "-c", "a", "-f", "_id,a,b.c")
    assert (tmp_path / "a.csv").read_text() == '_id,a,b.c\n1,x,1.5\n2,"y,z",2.5\n'
    done("import", tmp_path / "csv", tmp_path / "a.csv")
    done("export", tmp_path / "store", tmp_path / "a.parquet", "-c", "a")
    done("import", tmp_path / "parquet", tmp_path / "a.parquet")
    assert documents(tmp_path / "csv") == documents(tmp_path / "parquet") == given_documents


def test_a_dump_has_options_indexes_views_and_time_series(tmp_path: Path) -> None:
    store, dump = tmp_path / "store", tmp_path / "dump"
    with MongoClient(f"local://{store}") as client:
        shop = client.shop
        shop.create_collection("log", capped=True, size=8192)
        shop.create_collection("checked", validator={"a": {"$gte": 0}})
        shop.checked.insert_one({"_id": 1, "a": 5})
        shop.checked.create_index([("a", -1), ("b", 1)], unique=True, partialFilterExpression={"a": {"$gt": 1}})
        shop.create_collection("seen", viewOn="checked", pipeline=[{"$match": {"a": 5}}])
        shop.create_collection("weather", timeseries={"timeField": "t", "metaField": "m"})
        shop["odd /%"].insert_one({"_id": 1})
    result = done("export", store, dump, "--type", "dump")
    assert "weather: its measurements" in result.stderr
    assert sorted(os.listdir(dump / "shop")) == [
        "checked.bson", "checked.metadata.json", "log.bson", "log.metadata.json", "odd%20%2F%25.bson",
        "odd%20%2F%25.metadata.json", "seen.metadata.json", "weather.bson", "weather.metadata.json",
    ]  # fmt: skip
    done("export", store, tmp_path / "all.archive")
    for source in (dump, tmp_path / "all.archive"):
        done("import", tmp_path / f"from-{source.name}", source)
        with MongoClient(f"local://{tmp_path / f'from-{source.name}'}") as client:
            options = {each["name"]: each["options"] for each in client.shop.list_collections()}
            assert options["log"] == {"capped": True, "size": 8192}
            assert options["checked"]["validator"] == {"a": {"$gte": 0}}
            assert options["seen"] == {"viewOn": "checked", "pipeline": [{"$match": {"a": 5}}]}
            assert options["weather"]["timeseries"]["metaField"] == "m"
            index = client.shop.checked.index_information()["a_-1_b_1"]
            assert index["unique"] and index["partialFilterExpression"] == {"a": {"$gt": 1}}
            assert client.shop.seen.find_one() == {"_id": 1, "a": 5}
            assert client.shop["odd /%"].find_one() == {"_id": 1}


def test_a_part_of_a_dump(tmp_path: Path) -> None:
    for namespace in ("one.a", "one.b", "two.a"):
        filled(tmp_path / "store", [{"_id": namespace}], namespace)
    done("export", tmp_path / "store", tmp_path / "dump", "--type", "dump")
    done("import", tmp_path / "x", tmp_path / "dump", "-d", "one", "-c", "a")
    done("import", tmp_path / "y", tmp_path / "dump" / "one", "-d", "other")
    with MongoClient(f"local://{tmp_path / 'x'}") as client:
        assert (client.one.list_collection_names(), client.two.list_collection_names()) == (["a"], [])
    assert documents(tmp_path / "y", "other.b") == [{"_id": "one.b"}]


MODES = {
    "insert": (["--mode", "insert"], [{"_id": 1, "a": 1, "k": 1}, {"_id": 2, "b": 2}], 1, "1 inserted, 1 failed"),
    "upsert": (["--mode", "upsert"], [{"_id": 1, "b": 1}, {"_id": 2, "b": 2}], 0, "1 inserted, 1 changed"),
    "merge": (
        ["--mode", "merge"],
        [{"_id": 1, "a": 1, "k": 1, "b": 1}, {"_id": 2, "b": 2}],
        0,
        "1 inserted, 1 changed",
    ),
    "delete": (["--mode", "delete"], [], 0, "0 inserted, 1 unchanged, 1 deleted"),
}


@pytest.mark.parametrize(("options", "left", "code", "told"), MODES.values(), ids=MODES)
def test_modes(tmp_path: Path, options: list[str], left: list[dict[str, Any]], code: int, told: str) -> None:
    filled(tmp_path / "store", [{"_id": 1, "a": 1, "k": 1}])
    result = run("import", tmp_path / "store", "-", "-c", "a", "--type", "json", *options,
                 given='{"_id": 1, "b": 1}\n{"_id": 2, "b": 2}\n')  # fmt: skip
    assert (result.exit_code, documents(tmp_path / "store")) == (code, left)
    assert f"test.a: {told}" in result.stderr


def test_other_fields_say_which_document_is_meant(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1, "k": {"n": 5}}, {"_id": 2, "k": {"n": 6}}])
    result = done("import", tmp_path / "store", "-", "-c", "a", "--type", "json", "--mode", "merge",
                  "--upsertFields", "k.n,x", given='{"k": {"n": 5}, "v": 1}\n{"_id": 3, "v": 2}\n')  # fmt: skip
    assert documents(tmp_path / "store") == [
        {"_id": 1, "k": {"n": 5}, "v": 1}, {"_id": 2, "k": {"n": 6}}, {"_id": 3, "v": 2},
    ]  # fmt: skip
    assert "1 inserted, 1 changed" in result.stderr


def test_a_value_that_looks_like_an_operator_is_compared(tmp_path: Path) -> None:
    pattern = '{"$regularExpression": {"pattern": ".", "options": ""}}'
    text = f'{{"_id": 2, "k": {pattern}}}\n'
    filled(tmp_path / "store", [{"_id": 1, "k": "x"}])
    done("import", tmp_path / "store", "-", "-c", "a", "--type", "json", "--mode", "delete",
         "--upsertFields", "k", given=text)  # fmt: skip
    assert documents(tmp_path / "store") == [{"_id": 1, "k": "x"}]


def test_drop(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1}])
    done("import", tmp_path / "store", "-", "-c", "a", "--type", "json", "--drop", given='{"_id": 2}')
    assert documents(tmp_path / "store") == [{"_id": 2}]


@pytest.mark.parametrize("stops", [False, True])
def test_refused_documents_are_told_by_their_lines(
    tmp_path: Path, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LOAD_BATCH_COUNT", 2)
    monkeypatch.setattr(loading, "SHOWN_FAILURES", 1)
    text = "".join(f'{{"_id": {number}}}\n\n' for number in (1, 2, 1, 3, 2, 4))
    options = ["--stopOnError"] if stops else []
    result = run("import", tmp_path / "store", "-", "-c", "a", "--type", "json", *options, given=text)
    assert result.exit_code == cli.DAMAGED
    assert "test.a, line 5: E11000 duplicate key error" in result.stderr and "(code 11000)" in result.stderr
    if stops:
        assert documents(tmp_path / "store") == [{"_id": 1}, {"_id": 2}]
        assert "stopped at the first" in result.stderr and "2 inserted, 1 failed" in result.stderr
    else:
        assert documents(tmp_path / "store") == [{"_id": number} for number in (1, 2, 3, 4)]
        assert "1 more were refused" in result.stderr and "4 inserted, 2 failed" in result.stderr


def test_what_came_before_damage_is_loaded_and_told(tmp_path: Path) -> None:
    content = bson_encode({"_id": 1}) + bson_encode({"_id": 2})
    (tmp_path / "a.bson").write_bytes(content + b"\x10\x00")
    result = run("import", tmp_path / "store", tmp_path / "a.bson")
    assert result.exit_code == cli.DAMAGED
    assert f"byte {len(content)}: the file ends within the length" in result.stderr
    assert "test.a: 2 inserted" in result.stderr
    assert documents(tmp_path / "store") == [{"_id": 1}, {"_id": 2}]


def test_documents_that_are_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"_id": 1, "a": "' + "x" * 17_000_000 + '"}\n{"_id": 2}\n')
    result = run("import", tmp_path / "store", tmp_path / "a.json")
    assert result.exit_code == cli.DAMAGED and "line 1: the document has 17000" in result.stderr
    assert [each["_id"] for each in documents(tmp_path / "store")] == [2]


def test_validators_and_bypassing_them(tmp_path: Path) -> None:
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        client.test.create_collection("a", validator={"k": 1})
    refused = run("import", tmp_path / "store", "-", "-c", "a", "--type", "json", given='{"_id": 1}')
    assert refused.exit_code == cli.DAMAGED and "(code 121)" in refused.stderr
    done(
        "import", tmp_path / "store", "-", "-c", "a", "--type", "json", "--bypassDocumentValidation", given='{"_id": 1}'
    )
    assert documents(tmp_path / "store") == [{"_id": 1}]


SELECTIONS = {
    "query": (["--query", "{a: {$gt: 1}}"], [2, 3]),
    "query in Extended JSON": (["--query", '{"a": {"$numberLong": "2"}}'], [2]),
    "sort": (["--sort", "{a: -1}"], [3, 2, 1]),
    "skip and limit": (["--sort", "{a: 1}", "--skip", "1", "--limit", "1"], [2]),
}


@pytest.mark.parametrize(("options", "found"), SELECTIONS.values(), ids=SELECTIONS)
def test_selections(tmp_path: Path, options: list[str], found: list[int]) -> None:
    filled(tmp_path / "store", [{"_id": at, "a": at} for at in (1, 2, 3)])
    result = done("export", tmp_path / "store", "-", "-c", "a", "--fields", "a", *options)
    assert result.stdout == "".join(f'{{"_id":{at},"a":{at}}}\n' for at in found)


def test_projections_stop_at_array_indexes() -> None:
    assert projection_of(["a", "b.0.c", "b.d", "e.f"]) == {"a": 1, "b": 1, "e.f": 1}


IMPOSSIBLE = {
    "no type": (["import", "S", "F"], "--type"),
    "no file": (["import", "S", "nothing.json"], "There is no file"),
    "no collection": (["import", "S", "-", "--type", "json"], "--collection"),
    "no mode": (["import", "S", "-", "-c", "a", "--type", "json", "--mode", "x"], "--mode is one of"),
    "no grace": (["import", "S", "-", "-c", "a", "--type", "csv", "--parseGrace", "x"], "--parseGrace is one of"),
    "no store": (["export", "nothing", "-", "-c", "a"], "There is no store"),
    "no collection to export": (["export", "S", "-"], "--collection"),
    "no fields": (["export", "S", "-", "-c", "a", "--type", "csv"], "--fields"),
    "no query": (["export", "S", "-", "-c", "a", "--query", "{a: }"], "--query"),
    "a dump to standard output": (["export", "S", "-", "--type", "dump"], "standard output"),
    "no scheme": (["export", "http://x", "-", "-c", "a"], "scheme"),
    "no operator": (["export", "S", "-", "-c", "a", "--query", "{a: {$nope: 1}}"], "code 2, BadValue"),
    "a header line and fields": (
        ["import", "S", "-", "-c", "a", "--type", "csv", "-f", "a", "--headerline"],
        "--headerline",
    ),
    "a server to serve": (["serve", "mongodb://x"], "is served from a directory"),
    "a server to check": (["check", "mongodb://x"], "lies in a directory"),
    "a server to repair": (["repair", "memory://", "out"], "lies in a directory"),
    "no dump": (["import", "S", "D"], "nothing to restore"),
}


@pytest.mark.parametrize(("arguments", "told"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_begun(tmp_path: Path, arguments: list[str], told: str) -> None:
    filled(tmp_path / "store", [{"_id": 1}])
    (tmp_path / "file").write_text("")
    (tmp_path / "dump").mkdir()
    places = {"S": tmp_path / "store", "F": tmp_path / "file", "D": tmp_path / "dump"}
    result = run(*(places.get(each, each) for each in arguments), given="")
    assert result.exit_code in (cli.IMPOSSIBLE, cli.DAMAGED) and told in result.stderr
    assert "Traceback" not in result.output


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1}, {"_id": 2, "a": {"$oid": "x"}}])
    for name in ("a.json", "a.csv", "a.parquet"):
        result = run("export", tmp_path / "store", tmp_path / name, "-c", "a", "-f", "_id,a")
        if name == "a.parquet":
            assert result.exit_code == cli.DONE  # a struct holds any names
            continue
        assert result.exit_code == cli.IMPOSSIBLE and "document 2 (_id 2)" in result.stderr
        assert not list(tmp_path.glob(f"{name}*"))


def test_users_and_buckets_are_not_restored(tmp_path: Path) -> None:
    for directory, name in (("admin", "system.users"), ("shop", "system.buckets.weather")):
        (tmp_path / directory / directory).mkdir(parents=True)
        (tmp_path / directory / directory / f"{name}.bson").write_bytes(bson_encode({"_id": 1}))
    result = done("import", tmp_path / "store", tmp_path / "admin")
    assert "admin.system.users is not restored" in result.stderr
    result = run("import", tmp_path / "store", tmp_path / "shop")
    assert result.exit_code == cli.DAMAGED and "buckets of a time-series collection" in result.stderr


def test_buckets_in_an_archive_are_not_lost_silently(tmp_path: Path) -> None:
    options = {"timeseries": {"timeField": "t"}}
    weather = Metadata("shop", "weather", "timeseries", options, (), "")
    with open(tmp_path / "a.archive", "wb") as file:
        writer = ArchiveWriter(file, [weather], server_version="8.0.0", tool_version="x")
        writer.begin(Metadata("shop", "system.buckets.weather", "collection", {}, (), ""))
        writer.add(bson_encode({"_id": 1}))
        writer.end()
    result = run("import", tmp_path / "store", tmp_path / "a.archive")
    assert result.exit_code == cli.DAMAGED and "shop.system.buckets.weather holds the buckets" in result.stderr


def test_an_oplog_beside_the_databases(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1}])
    done("export", tmp_path / "store", tmp_path / "dump", "--type", "dump")
    (tmp_path / "dump" / "oplog.bson").write_bytes(b"")
    (tmp_path / "dump" / "prelude.json").write_text("{}")
    result = done("import", tmp_path / "again", tmp_path / "dump")
    assert "the oplog is not replayed" in result.stderr and documents(tmp_path / "again") == [{"_id": 1}]


def test_a_collection_whose_indexes_cannot_be_made(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": 1, "a": 1}])
    with MongoClient(f"local://{tmp_path / 'store'}") as client:
        client.test.a.create_index("a", unique=True)
    done("export", tmp_path / "store", tmp_path / "dump", "--type", "dump")
    with open(tmp_path / "dump" / "test" / "a.bson", "ab") as file:
        file.write(bson_encode({"_id": 2, "a": 1}))
    result = run("import", tmp_path / "again", tmp_path / "dump")
    assert result.exit_code == cli.DAMAGED
    assert "test.a is restored, but not its indexes: " in result.stderr and "E11000" in result.stderr
    assert "2 inserted" in result.stderr
    done("import", tmp_path / "third", tmp_path / "dump", "--noIndexRestore")


def test_a_uri_names_the_database(tmp_path: Path) -> None:
    with served(tmp_path / "store") as uri:
        done("import", f"{uri}/shop", "-", "-c", "a", "--type", "json", given='{"_id": {"$numberLong": "1"}}')
        assert done("export", f"{uri}/shop", "-c", "a").stdout == '{"_id":1}\n'
        done("export", uri, tmp_path / "dump", "--type", "dump")
        done("import", uri, tmp_path / "dump", "--drop")
    assert documents(tmp_path / "store", "shop.a") == [{"_id": 1}]


def test_as_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amongo.cli"]
    lines = "".join(f'{{"_id": {at}}}\n' for at in range(3000)).encode()
    pair = {"cwd": ROOT, "capture_output": True, "timeout": 60, "check": False}
    loaded = subprocess.run(
        [*command, "import", tmp_path / "s", "-", "-c", "a", "--type", "json"], input=gzip.compress(lines), **pair
    )  # type: ignore[call-overload]
    assert (loaded.returncode, loaded.stdout) == (0, b"") and b"3000 inserted" in loaded.stderr
    written = subprocess.run([*command, "export", tmp_path / "s", "-c", "a", "--quiet"], **pair)  # type: ignore[call-overload]
    assert (written.returncode, written.stderr) == (0, b"")
    assert written.stdout == lines.replace(b": ", b":")
