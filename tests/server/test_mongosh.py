"""mongosh, as it comes from npm, against `amongo serve`: one-liners, and a script at its prompt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server import node_clients
from tests.server.serving_process import served

PROMPT = "amongo [direct: primary] shop>"


@pytest.fixture(scope="module")
def uri() -> Iterator[str]:
    try:
        node_clients.packages()
    except node_clients.Absent as reason:
        pytest.skip(f"mongosh is not there: {reason}")
    with served() as uri:
        yield uri


Shell = Callable[..., str]


@pytest.fixture
def shell(uri: str, tmp_path: Path) -> Shell:
    """Runs mongosh on the database `shop`, with a home directory of its own; what it prints."""
    program = str(node_clients.packages() / ".bin" / "mongosh")

    def run(*options: str, stdin: str = "", code: int = 0) -> str:
        done = node_clients.run(
            program, f"{uri}/shop", "--norc", *options, stdin=stdin, environment={"HOME": str(tmp_path)}
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    return run


def asked(shell: Shell, expression: str) -> Any:
    """The value of an expression, as canonical Extended JSON tells it."""
    return json.loads(shell("--quiet", "--json=canonical", "--eval", expression))


def test_one_liners(shell: Shell) -> None:
    documents = "[{_id: 1, n: Long('5')}, {_id: 2, n: Decimal128('1.50')}, {_id: 3, at: ISODate('2026-01-01')}]"
    written = f"db.things.drop(); db.things.insertMany({documents})"
    found = asked(shell, f"{written}; db.things.find().sort({{_id: 1}}).toArray()")
    assert found == [
        {"_id": {"$numberInt": "1"}, "n": {"$numberLong": "5"}},
        {"_id": {"$numberInt": "2"}, "n": {"$numberDecimal": "1.50"}},
        {"_id": {"$numberInt": "3"}, "at": {"$date": {"$numberLong": "1767225600000"}}},
    ]
    grouped = "db.things.aggregate([{$group: {_id: null, n: {$sum: '$n'}}}]).toArray()"
    assert asked(shell, grouped) == [{"_id": None, "n": {"$numberDecimal": "6.50"}}]


def test_an_error_ends_the_shell(shell: Shell) -> None:
    told = shell(
        "--quiet", "--eval", "db.things.insertOne({_id: 'twice'}); db.things.insertOne({_id: 'twice'})", code=1
    )
    assert "E11000 duplicate key error collection: shop.things index: _id_ dup key" in told
    assert "no such command: 'noSuchCommand'" in shell("--eval", "db.runCommand({noSuchCommand: 1})", code=1)


def test_a_session_at_the_prompt(shell: Shell) -> None:
    """Every command of mongosh's own that a replica set of one node knows."""
    answers = _at_the_prompt(
        shell,
        "db.dropDatabase()",
        "for (let n = 0; n < 45; n++) db.numbers.insertOne({_id: n})",
        "db.numbers.find({}, {_id: 1}).sort({_id: 1})",
        "it",
        "show dbs",
        "show collections",
        "db.numbers.createIndex({n: 1}, {name: 'by n'})",
        "db.numbers.getIndexes()",
        "db.numbers.find({n: 5}).explain('executionStats').executionStats.nReturned",
        "db.stats().objects",
        "db.numbers.stats().count",
        "db.numbers.totalIndexSize() > 0",
        "db.numbers.validate().valid",
        "db.currentOp().inprog[0].ns",
        "db.serverStatus().ok",
        "db.hostInfo().ok",
        "db.hello().setName",
        "db.version()",
        "db.serverBuildInfo().versionArray[0]",
        "db.adminCommand({getParameter: 1, featureCompatibilityVersion: 1}).featureCompatibilityVersion.version",
        "db.getCollectionInfos({name: 'numbers'})[0].type",
        "show logs",
        "db.getMongo().getReadPrefMode()",
        "db.numbers.renameCollection('digits').ok",
        "db.getCollectionNames()",
        "db.digits.drop()",
        "sh.status()",
        "db.getReplicationInfo().logSizeMB",
        "rs.printReplicationInfo()",
    )
    told = iter(answers)
    assert "ok: 1" in next(told)
    assert "insertedId: 44" in next(told)
    assert [name in next(told) for name in ("_id: 19 }", "_id: 39 }")] == [True, True]  # twenty at a time
    assert [line.split()[0] for line in next(told).splitlines()] == ["admin", "config", "local", "shop"]
    assert next(told) == "numbers"
    assert next(told) == "by n"
    assert "{ v: 2, key: { n: 1 }, name: 'by n' }" in next(told)
    assert [next(told) for _ in range(14)] == [
        "0",
        "Long('45')",
        "45",
        "true",
        "true",
        "admin.$cmd.aggregate",
        "1",
        "1",
        "amongo",
        "8.0.0",
        "8",
        "8.0",
        "collection",
        "[ 'global', 'startupWarnings' ]",
    ]
    assert [next(told) for _ in range(4)] == ["primary", "1", "[ 'digits' ]", "true"]
    assert "[SHAPI-10003]" in next(told)  # no sharded cluster: mongosh says so itself
    assert float(next(told)) > 1
    assert "oplog first event time" in next(told)


def _at_the_prompt(shell: Shell, *lines: str) -> list[str]:
    """What the shell answers to each line, typed at its prompt."""
    return [answer.strip() for answer in shell(stdin="\n".join((*lines, "exit"))).split(PROMPT)[1:-1]]


def test_a_file(shell: Shell, tmp_path: Path) -> None:
    """Bulk writes, cursors, a transaction and a change stream."""
    script = """
        db.dropDatabase();
        const bulk = db.many.initializeUnorderedBulkOp();
        for (let n = 0; n < 500; n++) bulk.insert({_id: n});
        bulk.find({_id: {$gte: 400}}).delete();
        const done = bulk.execute();
        const cursor = db.many.find().batchSize(50);
        cursor.next();
        const left = cursor.toArray().length;
        const mixed = db.many.bulkWrite([
            {updateOne: {filter: {_id: 0}, update: {$set: {n: 1}}}},
            {deleteOne: {filter: {_id: 1}}},
        ]);
        db.accounts.insertMany([{_id: 'a', n: 10}, {_id: 'b', n: 0}]);
        const stream = db.accounts.watch();
        stream.tryNext();
        const session = db.getMongo().startSession();
        session.withTransaction(() => {
            const accounts = session.getDatabase('shop').accounts;
            accounts.updateOne({_id: 'a'}, {$inc: {n: -5}});
            accounts.updateOne({_id: 'b'}, {$inc: {n: 5}});
        });
        session.endSession();
        const seen = [stream.next().documentKey._id, stream.next().documentKey._id];
        stream.close();
        print(EJSON.stringify([
            [done.insertedCount, done.deletedCount, left, mixed.modifiedCount, mixed.deletedCount],
            seen,
            db.accounts.distinct('n'),
        ]));
    """
    path = tmp_path / "script.js"
    path.write_text(script)
    told = shell("--quiet", "--file", str(path))
    assert json.loads(told.strip().splitlines()[-1]) == [[500, 100, 399, 1, 1], ["a", "b"], [5]]
