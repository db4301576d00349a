"""Arguments of a wrong type or value: the same exception, word for word, as PyMongo raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pymongo
import pytest
from pymongo import IndexModel, InsertOne, ReplaceOne, UpdateOne, WriteConcern
from pymongo.errors import ConfigurationError, InvalidName, InvalidOperation

from amongo import AsyncMongoClient, MongoClient

_UNACKNOWLEDGED = WriteConcern(w=0)

# What is called on a collection, and the class of the error.
_ON_COLLECTION: list[tuple[str, Callable[[Any], Any], type[Exception]]] = [
    ("insert_one of a list", lambda c: c.insert_one([]), TypeError),
    ("insert_one of nothing", lambda c: c.insert_one(None), TypeError),
    ("insert_many of a mapping", lambda c: c.insert_many({"a": 1}), TypeError),
    ("insert_many of an empty list", lambda c: c.insert_many([]), TypeError),
    ("insert_many of a number", lambda c: c.insert_many(3), TypeError),
    ("insert_many of an empty iterator", lambda c: c.insert_many(iter([])), InvalidOperation),
    ("insert_many of strings", lambda c: c.insert_many(["a"]), TypeError),
    ("update_one without operators", lambda c: c.update_one({}, {"a": 1}), ValueError),
    ("update_one with an empty update", lambda c: c.update_one({}, {}), ValueError),
    ("update_one with an empty pipeline", lambda c: c.update_one({}, []), ValueError),
    ("update_one with a string for update", lambda c: c.update_one({}, "x"), TypeError),
    ("update_one with a list for filter", lambda c: c.update_one([], {"$set": {"a": 1}}), TypeError),
    ("update_one array_filters", lambda c: c.update_one({}, {"$set": {"a": 1}}, array_filters={}), TypeError),
    ("update_many without operators", lambda c: c.update_many({}, {"a": 1}), ValueError),
    ("update_many with nothing for filter", lambda c: c.update_many(None, {"$set": {"a": 1}}), TypeError),
    ("replace_one with operators", lambda c: c.replace_one({}, {"$set": {"a": 1}}), ValueError),
    ("replace_one with a list", lambda c: c.replace_one({}, []), TypeError),
    ("replace_one let", lambda c: c.replace_one({}, {}, let=3), TypeError),
    ("bulk_write of a tuple", lambda c: c.bulk_write(()), TypeError),
    ("bulk_write of nothing", lambda c: c.bulk_write([]), InvalidOperation),
    ("bulk_write of a document", lambda c: c.bulk_write([{}]), TypeError),
    ("bulk_write of an update without operators", lambda c: c.bulk_write([UpdateOne({}, {"a": 1})]), ValueError),
    ("bulk_write of a replacement", lambda c: c.bulk_write([ReplaceOne({}, {"$set": {"a": 1}})]), ValueError),
    ("bulk_write let", lambda c: c.bulk_write([InsertOne({})], let=3), TypeError),
    ("find filter", lambda c: c.find(3), TypeError),
    ("find projection", lambda c: c.find({}, projection=3), TypeError),
    ("find projection of numbers", lambda c: c.find({}, projection=[3]), TypeError),
    ("find skip", lambda c: c.find(skip="1"), TypeError),
    ("find limit", lambda c: c.find(limit=1.5), TypeError),
    ("find batch_size type", lambda c: c.find(batch_size="a"), TypeError),
    ("find batch_size negative", lambda c: c.find(batch_size=-1), ValueError),
    ("find cursor_type", lambda c: c.find(cursor_type=7), ValueError),
    ("find exhaust with limit", lambda c: c.find(cursor_type=64, limit=3), InvalidOperation),
    ("find no_cursor_timeout", lambda c: c.find(no_cursor_timeout="yes"), TypeError),
    ("find allow_disk_use", lambda c: c.find(allow_disk_use=1), TypeError),
    ("find collation", lambda c: c.find(collation=3), TypeError),
    ("find let", lambda c: c.find(let=[]), TypeError),
    ("find sort", lambda c: c.find(sort="a"), TypeError),
    ("find hint", lambda c: c.find(hint=3), TypeError),
    ("cursor skip negative", lambda c: c.find().skip(-1), ValueError),
    ("cursor skip", lambda c: c.find().skip("1"), TypeError),
    ("cursor limit", lambda c: c.find().limit("1"), TypeError),
    ("cursor batch_size", lambda c: c.find().batch_size(-1), ValueError),
    ("cursor sort direction", lambda c: c.find().sort("a", 1.5), TypeError),
    ("cursor sort by nothing", lambda c: c.find().sort([]), ValueError),
    ("cursor sort by a number", lambda c: c.find().sort(3), TypeError),
    ("cursor max", lambda c: c.find().max({"a": 1}), TypeError),
    ("cursor min", lambda c: c.find().min("a"), TypeError),
    ("cursor max_time_ms", lambda c: c.find().max_time_ms("1"), TypeError),
    ("cursor max_await_time_ms", lambda c: c.find().max_await_time_ms("1"), TypeError),
    ("cursor allow_disk_use", lambda c: c.find().allow_disk_use(1), TypeError),
    ("cursor remove_option", lambda c: c.find().remove_option("a"), TypeError),
    ("cursor add_option", lambda c: c.find().add_option("a"), TypeError),
    ("cursor collation", lambda c: c.find().collation("en"), TypeError),
    ("cursor to_list of none", lambda c: c.find().to_list(0), ValueError),
    ("find_one skip", lambda c: c.find_one({}, skip="a"), TypeError),
    ("distinct key", lambda c: c.distinct(3), TypeError),
    ("distinct filter and query", lambda c: c.distinct("a", {}, query={}), ConfigurationError),
    ("aggregate of a document", lambda c: c.aggregate({}), TypeError),
    ("aggregate explain", lambda c: c.aggregate([], explain=True), ConfigurationError),
    ("aggregate pipeline twice", lambda c: c.aggregate([], aggregate="x"), ConfigurationError),
    ("aggregate let", lambda c: c.aggregate([], let=3), TypeError),
    ("aggregate batchSize", lambda c: c.aggregate([], batchSize=-1), ValueError),
    ("estimated_document_count session", lambda c: c.estimated_document_count(session=None), ConfigurationError),
    ("find_one_and_update without operators", lambda c: c.find_one_and_update({}, {"a": 1}), ValueError),
    ("find_one_and_update filter", lambda c: c.find_one_and_update([], {"$set": {"a": 1}}), TypeError),
    (
        "find_one_and_update return_document",
        lambda c: c.find_one_and_update({}, {"$set": {"a": 1}}, return_document="after"),
        TypeError,
    ),
    ("find_one_and_replace operators", lambda c: c.find_one_and_replace({}, {"$set": {}}), ValueError),
    ("find_one_and_delete filter", lambda c: c.find_one_and_delete(3), TypeError),
    ("create_indexes of models", lambda c: c.create_indexes(IndexModel("a")), TypeError),
    ("create_index of nothing", lambda c: c.create_index([]), ValueError),
    ("create_index of a number", lambda c: c.create_index(3), TypeError),
    ("drop_index of a number", lambda c: c.drop_index(3), TypeError),
    ("rename to a number", lambda c: c.rename(3), TypeError),
    ("rename to nothing", lambda c: c.rename(""), InvalidName),
    ("rename to .a", lambda c: c.rename(".a"), InvalidName),
    ("rename to $a", lambda c: c.rename("$a"), InvalidName),
    ("with_options codec_options", lambda c: c.with_options(codec_options=3), TypeError),
    ("with_options write_concern", lambda c: c.with_options(write_concern={"w": 1}), TypeError),
    ("with_options read_concern", lambda c: c.with_options(read_concern="local"), TypeError),
    ("with_options read_preference", lambda c: c.with_options(read_preference="primary"), TypeError),
    ("subcollection with a dollar", lambda c: c["$a"], InvalidName),
    ("private attribute", lambda c: c._nothing, AttributeError),
    ("call", lambda c: c(), TypeError),
    ("call of a subcollection", lambda c: c.drop_all.now(), TypeError),
    ("truth", bool, NotImplementedError),
    ("next", next, TypeError),
    ("iteration", iter, TypeError),
    ("watch pipeline", lambda c: c.watch({}), TypeError),
    ("watch full_document", lambda c: c.watch(full_document=3), TypeError),
]

_ON_DATABASE: list[tuple[str, Callable[[Any], Any], type[Exception]]] = [
    ("collection name empty", lambda d: d[""], InvalidName),
    ("collection name with two dots", lambda d: d["a..b"], InvalidName),
    ("collection name with a dollar", lambda d: d["a$b"], InvalidName),
    ("collection name that begins with a dot", lambda d: d[".a"], InvalidName),
    ("collection name with a NUL", lambda d: d["a\x00b"], InvalidName),
    ("collection name of a number", lambda d: d[3], TypeError),
    ("get_collection of a number", lambda d: d.get_collection(3), TypeError),
    ("private attribute", lambda d: d._nothing, AttributeError),
    ("truth", bool, NotImplementedError),
    ("next", next, TypeError),
    ("dereference", lambda d: d.dereference(3), TypeError),
    ("drop_collection", lambda d: d.drop_collection(3), TypeError),
    ("list_collection_names filter", lambda d: d.list_collection_names(filter=[]), TypeError),
    ("validate_collection", lambda d: d.validate_collection(3), TypeError),
    ("aggregate", lambda d: d.aggregate({}), TypeError),
]

_ON_CLIENT: list[tuple[str, Callable[[Any], Any], type[Exception]]] = [
    ("database name empty", lambda k: k[""], InvalidName),
    ("database name with a dot", lambda k: k["a.b"], InvalidName),
    ("database name with a space", lambda k: k["a b"], InvalidName),
    ("database name with a NUL", lambda k: k["a\x00"], InvalidName),
    ("database name of a number", lambda k: k[3], TypeError),
    ("default database", lambda k: k.get_default_database(), ConfigurationError),
    ("database without name", lambda k: k.get_database(), ConfigurationError),
    ("private attribute", lambda k: k._nothing, AttributeError),
    ("next", next, TypeError),
    ("drop_database", lambda k: k.drop_database(3), TypeError),
    ("bulk_write of a tuple", lambda k: k.bulk_write(()), TypeError),
    ("bulk_write of nothing", lambda k: k.bulk_write([]), InvalidOperation),
    ("bulk_write without namespace", lambda k: k.bulk_write([InsertOne({})]), InvalidOperation),
    ("bulk_write of a document", lambda k: k.bulk_write([{}]), TypeError),
    (
        "bulk_write unacknowledged and verbose",
        lambda k: k.bulk_write([InsertOne({}, "a.b")], write_concern=_UNACKNOWLEDGED, verbose_results=True),
        InvalidOperation,
    ),
    (
        "bulk_write unacknowledged and ordered",
        lambda k: k.bulk_write([InsertOne({}, "a.b")], write_concern=_UNACKNOWLEDGED),
        InvalidOperation,
    ),
    ("append_metadata", lambda k: k.append_metadata("me"), TypeError),
    ("start_session snapshot", lambda k: k.start_session(True, snapshot=True), ConfigurationError),
    ("start_session options", lambda k: k.start_session(default_transaction_options=3), TypeError),
]

_CASES = [
    pytest.param(reach, call, error, id=f"{level}: {name}")
    for level, reach, table in (
        ("collection", lambda client: client.db.coll, _ON_COLLECTION),
        ("database", lambda client: client.db, _ON_DATABASE),
        ("client", lambda client: client, _ON_CLIENT),
    )
    for name, call, error in table
]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Any]:
    with pymongo.MongoClient("mongodb://localhost:1", connect=False, serverSelectionTimeoutMS=1) as client:
        yield client


def _error(call: Callable[[Any], Any], target: Any) -> Exception:
    try:
        call(target)
    except Exception as error:
        return error
    raise AssertionError("no error")


@pytest.mark.parametrize(("reach", "call", "error"), _CASES)
def test_as_pymongo(theirs: Any, reach: Callable[[Any], Any], call: Callable[[Any], Any], error: type) -> None:
    expected = _error(call, reach(theirs))
    assert type(expected) is error
    with MongoClient("memory://") as client:
        actual = _error(call, reach(client))
    assert (type(actual), str(actual)) == (type(expected), str(expected))


@pytest.mark.parametrize(("reach", "call", "error"), _CASES)
def test_async_raises_the_same(reach: Callable[[Any], Any], call: Callable[[Any], Any], error: type) -> None:
    async def main() -> None:
        async with AsyncMongoClient("memory://") as client:
            with pytest.raises(error):
                result = call(reach(client))
                await result

    anyio.run(main)


# In the tables' calls no session can be named: PyMongo words these errors with its own classes.
@pytest.mark.parametrize(
    ("name", "call", "error", "message"),
    [
        ("type", lambda c, s: c.find_one_and_delete({}, session=3), ValueError, "'session' argument must be an"),
        ("insert", lambda c, s: c.insert_one({}, session=3), ValueError, "'session' argument must be an"),
        ("ended", lambda c, s: (s.end_session(), c.insert_one({}, session=s)), InvalidOperation, "Cannot use ended"),
        (
            "of another client",
            lambda c, s: c.insert_one({}, session=MongoClient("memory://").start_session()),
            InvalidOperation,
            "Can only use session with the MongoClient that started it",
        ),
        (
            "unacknowledged",
            lambda c, s: c.with_options(write_concern=_UNACKNOWLEDGED).insert_one({}, session=s),
            ConfigurationError,
            "Explicit sessions are incompatible with unacknowledged write concern: WriteConcern(w=0)",
        ),
    ],
)
def test_sessions(name: str, call: Callable[[Any, Any], Any], error: type, message: str) -> None:
    with MongoClient("memory://") as client, client.start_session() as session:
        with pytest.raises(error) as caught:
            call(client.db.coll, session)
        assert str(caught.value).startswith(message)
        assert client.db.coll.estimated_document_count() == 0


def test_nothing_is_written_when_one_document_is_bad() -> None:
    with MongoClient("memory://") as client:
        for documents in ([{"a": 1}, "b"], [{"a": 1}, {"b": object()}], [{"a": 1}, {3: 1}]):
            with pytest.raises(Exception, match=r"must be|encode|keys"):
                client.db.coll.insert_many(documents)
        assert client.db.coll.estimated_document_count() == 0
