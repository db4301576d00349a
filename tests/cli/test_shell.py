"""`amongo shell`: statements on stores in memory, on disk and behind sockets; pages; errors by code and name."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from amongo import cli
from tests.cli.running import ROOT, done, filled, run, served


def evaluated(*texts: str, place: object = ":memory:") -> str:
    """What the shell shows for `--eval`."""
    options = [each for text in texts for each in ("--eval", text)]
    return done("shell", place, *options).stdout


ANSWERS = {
    "insertOne": ("db.a.insertOne({_id: 1})", "{ acknowledged: true, insertedId: 1 }"),
    "insertMany": ("db.a.insertMany([{_id: 1}, {_id: 2}])", '{ acknowledged: true, insertedIds: { "0": 1, "1": 2 } }'),
    "find": ("db.f.find({n: {$gt: 1}}, {_id: 0}).sort({n: -1})", "{ n: 3 }\n{ n: 2 }"),
    "find, skip and limit": ("db.f.find().sort({_id: 1}).skip(1).limit(1)", "{ _id: 2, n: 2 }"),
    "find, count": ("db.f.find({n: 2}).count()", "1"),
    "find, size": ("db.f.find().limit(2).size()", "2"),
    "find, toArray": ("db.f.find({n: 2}).toArray()", "[ { _id: 2, n: 2 } ]"),
    "find, next": ("db.f.find({n: 2}).next().n", "2"),
    "find, hasNext": ("db.f.find({n: 9}).hasNext()", "false"),
    "find, itcount": ("db.f.find().batchSize(2).itcount()", "3"),
    "find, explain": ("db.f.find({n: 2}).explain().queryPlanner.namespace", "'test.f'"),
    "explain, find": ("db.f.explain().find({_id: 2}).queryPlanner.namespace", "'test.f'"),
    "findOne": ("db.f.findOne({n: 2})", "{ _id: 2, n: 2 }"),
    "findOne of nothing": ("db.f.findOne({n: 9})", "null"),
    "aggregate": ("db.f.aggregate([{$group: {_id: null, n: {$sum: '$n'}}}])", "{ _id: null, n: 6 }"),
    "aggregate without brackets": ("db.f.aggregate({$match: {n: 2}}, {$project: {_id: 0}})", "{ n: 2 }"),
    "countDocuments": ("db.f.countDocuments({n: {$lt: 3}})", "2"),
    "countDocuments of nothing": ("db.none.countDocuments()", "0"),
    "estimatedDocumentCount": ("db.f.estimatedDocumentCount()", "3"),
    "distinct": ("db.f.distinct('n', {n: {$gt: 1}})", "[ 2, 3 ]"),
    "updateOne": ("db.f.updateOne({n: 2}, {$inc: {n: 5}}).modifiedCount; db.f.findOne({_id: 2}).n", "1\n7"),
    "updateMany, upsert": ("db.f.updateMany({_id: 9}, {$set: {n: 1}}, {upsert: true})",
                           "{\n  acknowledged: true,\n  insertedId: 9,\n  matchedCount: 0,\n  modifiedCount: 0,\n"
                           "  upsertedCount: 1\n}"),
    "replaceOne": ("db.f.replaceOne({_id: 1}, {k: 1}).matchedCount; db.f.findOne({_id: 1})", "1\n{ _id: 1, k: 1 }"),
    "deleteOne": ("db.f.deleteOne({n: {$gt: 0}}).deletedCount", "1"),
    "deleteMany": ("db.f.deleteMany({}).deletedCount", "3"),
    "findOneAndUpdate": ("db.f.findOneAndUpdate({_id: 1}, {$set: {n: 9}}, {returnDocument: 'after'})",
                         "{ _id: 1, n: 9 }"),
    "findOneAndDelete": ("db.f.findOneAndDelete({_id: 1})", "{ _id: 1, n: 1 }"),
    "createIndex": ("db.f.createIndex({n: 1, m: -1}, {unique: true}); db.f.getIndexes()[1].unique", "'n_1_m_-1'\ntrue"),
    "dropIndex": ("db.f.createIndex({n: 1}); db.f.dropIndex('n_1').ok; db.f.getIndexes().length", "'n_1'\n1.0\n1"),
    "renameCollection": ("db.f.renameCollection('g').ok; db.g.countDocuments()", "1.0\n3"),
    "drop": ("db.f.drop(); show collections", "true"),
    "names with points": ("db.fs.files.insertOne({_id: 1}).acknowledged; db['fs.files'].countDocuments()", "true\n1"),
    "getSiblingDB": ("db.getSiblingDB('x').y.insertOne({_id: 1}).acknowledged; use x; show collections",
                     "true\nswitched to db x\ny"),
    "stats": ("db.f.stats().count; db.stats().objects", "3\nLong('3')"),
    "runCommand": ("db.runCommand({ping: 1}); db.adminCommand('ping')", "{ ok: 1.0 }\n{ ok: 1.0 }"),
    "a command": ("{count: 'f', query: {n: 2}}", "{ n: 1, ok: 1.0 }"),
    "createCollection": ("db.createCollection('c', {capped: true, size: 4096}).ok; db.c.isCapped()", "1.0\ntrue"),
    "createView": ("db.createView('v', 'f', [{$match: {n: 2}}]).ok; db.v.find()", "1.0\n{ _id: 2, n: 2 }"),
    "names": ("db; db.f; db.getName(); db.getCollectionNames()", "test\ntest.f\ntest\n[ 'f' ]"),
    "getCollectionInfos": ("db.getCollectionInfos({name: 'f'}).length", "1"),
    "dropDatabase": ("db.dropDatabase().ok; show collections", "1.0"),
    "replica set": ("rs.status().ok", "1.0"),
    "validate": ("db.f.validate().valid", "true"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_shown(text: str, shown: str) -> None:
    fill = "db.f.insertMany([{_id: 1, n: 1}, {_id: 2, n: 2}, {_id: 3, n: 3}]).acknowledged"
    assert evaluated(fill, text) == f"true\n{shown}\n"


FAILURES = {
    "by the server": ("db.runCommand({nope: 1})", "no such command: 'nope' (code 59, CommandNotFound)"),
    "of a write": ("db.a.insertMany([{_id: 1}, {_id: 1}])", "(code 11000, DuplicateKey)"),
    "of an operator": ("db.a.find({a: {$nope: 1}})", "(code 2, BadValue)"),
    "JavaScript": ("db.a.find({$where: 'true'})", "(code "),
    "of the language": ("db.a.find({a: f()})", "SyntaxError: `f( )` is not known here"),
    "an unknown call": ("db.a.mapReduce()", "Error: `mapReduce` of a collection is not known here"),
    "an unknown call of a cursor": ("db.a.find().forEach({})", "Error: `forEach` of a cursor is not known here"),
    "an unknown call of a database": ("db.auth('a', 'b')", "Error: `db.auth( )` is not known here"),
    "too many arguments": ("db.a.findOne({}, {}, {}, {})", "Error: findOne takes 3 arguments"),
    "an unknown option": ("db.a.updateOne({}, {$set: {a: 1}}, {nope: 1})", "Error: updateOne takes the options"),
    "a replacement for operators": ("db.a.updateOne({}, {a: 1})", "Error: updateOne takes update operators"),
    "operators for a replacement": ("db.a.replaceOne({}, {$set: {a: 1}})", "Error: replaceOne takes a document"),
    "a name": ("use a.b", "Error: "),
    "show what": ("show nothing", "Error: `show nothing` is not known here"),
    "a cut text": ("db.a.find({", "SyntaxError: "),
}


@pytest.mark.parametrize(("text", "told"), FAILURES.values(), ids=FAILURES)
def test_what_goes_wrong(text: str, told: str) -> None:
    result = run("shell", ":memory:", "--eval", text, "--eval", "'not reached'")
    assert result.exit_code == cli.DAMAGED and told in result.stderr
    assert "not reached" not in result.stdout and "Traceback" not in result.output


def test_the_standard_input(tmp_path: Path) -> None:
    filled(tmp_path / "store", [{"_id": at} for at in range(50)])
    result = done("shell", tmp_path / "store", given="// a script\nuse test\ndb.a.find()\n  .sort({_id: 1})\n")
    assert result.stdout.splitlines() == ["switched to db test", *(f"{{ _id: {at} }}" for at in range(50))]


def test_extended_json() -> None:
    text = "{insert: 'a', documents: [{_id: 1, d: ISODate('2020-01-01'), n: Long(5)}]}; db.a.find()"
    options = ["--eval", text]
    assert done("shell", ":memory:", "--json", *options).stdout.splitlines()[1] == (
        '{"_id":1,"d":{"$date":"2020-01-01T00:00:00Z"},"n":5}'
    )
    canonical = done("shell", ":memory:", "--format", "canonical", *options).stdout.splitlines()[1]
    assert '"n":{"$numberLong":"5"}' in canonical


def test_places(tmp_path: Path) -> None:
    assert run("shell", tmp_path / "none", "--eval", "db").exit_code == cli.IMPOSSIBLE
    assert not (tmp_path / "none").exists()
    refused = run("shell", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100", "--eval", "db")
    assert refused.exit_code == cli.IMPOSSIBLE and "refused" in refused.stderr
    assert done("shell", "memory://x/shop", "--eval", "db").stdout == "shop\n"


def test_over_a_socket_every_type_goes_both_ways(tmp_path: Path) -> None:
    with served(tmp_path / "store") as uri:
        shown = evaluated("db.a.insertOne({_id: BSONSymbol('s'), u: undefined, r: DBRef('a', 1)}).acknowledged",
                          "db.a.find({_id: BSONSymbol('s')})", "show dbs", place=f"{uri}/shop")  # fmt: skip
        assert shown.splitlines()[:2] == ["true", "{ _id: BSONSymbol('s'), u: undefined, r: { $ref: 'a', $id: 1 } }"]
        many = ", ".join(f"{{_id: {at}}}" for at in range(300))
        assert evaluated(f"db.b.insertMany([{many}]).acknowledged; db.b.find().itcount()", place=uri) == "true\n300\n"


def test_on_a_terminal(tmp_path: Path) -> None:
    """Pages, `it`, lines that go on, history: a process with a pseudo-terminal."""
    filled(tmp_path / "store", [{"_id": at} for at in range(30)])
    leader, follower = pty.openpty()
    environment = os.environ | {"AMONGO_HISTORY": str(tmp_path / "history"), "TERM": "dumb", "COLUMNS": "100"}
    command = [sys.executable, "-m", "amongo.cli", "shell", str(tmp_path / "store")]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment, cwd=ROOT)
    os.close(follower)
    shown = b""

    def until(text: bytes, *, typed: str = "") -> None:
        nonlocal shown
        begin = len(shown)
        os.write(leader, typed.encode())
        while text not in shown[begin:]:
            assert select.select([leader], [], [], 30)[0], shown
            shown += os.read(leader, 4096)

    try:
        until(b"test> ")
        until(b'Type "it" for more', typed="db.a.find().sort({_id: 1})\n")
        assert b"_id: 19" in shown and b"_id: 20" not in shown
        until(b"_id: 29", typed="it\n")
        until(b"... ", typed="db.a.find({\n")
        until(b"_id: 7", typed="_id: 7})\n")
        until(b"CommandNotFound", typed="{nope: 1}\n")
        until(b"SyntaxError", typed="db.createUser({user: 'a', pwd: 'secret')\n")
        os.write(leader, b"exit\n")
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    kept = (tmp_path / "history").read_text()
    assert "db.a.find().sort({_id: 1})" in kept and "secret" not in kept
    assert re.search(
        r"-rw-------", subprocess.run(["ls", "-l", tmp_path / "history"], capture_output=True, text=True).stdout
    )
