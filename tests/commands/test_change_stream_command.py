"""Change streams by command: what opens one, what it gives, what it refuses, what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Binary, Int64, Timestamp

from amongo.commands.change_stream import ChangeStreamCursor
from amongo.commands.instance import Instance
from amongo.commands.tables import AggregateTableRequest
from amongo.commands.tailing import Awaiting
from amongo.errors import ErrorCode, ServerError
from amongo.values.codec import decode, encode

Document = dict[str, Any]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes as long as it takes: what a test expects depends on no clock."""
    monkeypatch.setattr("amongo.commands.change_stream.LOOP_SLICE_S", 60.0)
    monkeypatch.setattr("amongo.commands.change_stream.STREAM_LOOK_S", 60.0)


def opened(
    ask: Ask,
    spec: Document | list[Any] | None = None,
    *stages: Document,
    of: Any = "fruit",
    database: str = "shop",
    batch_size: int = 101,
    **options: Any,
) -> Document:
    """The reply to opening a change stream."""
    pipeline = [{"$changeStream": {} if spec is None else spec}, *stages]
    return ask({"aggregate": of, "pipeline": pipeline, "cursor": {"batchSize": batch_size}, **options}, database)


def more(ask: Ask, reply: Document, **options: Any) -> Document:
    """The reply to a getMore that does not wait."""
    database, _, collection = reply["cursor"]["ns"].partition(".")
    command = {"getMore": Int64(reply["cursor"]["id"]), "collection": collection, "maxTimeMS": 0, **options}
    return ask(command, database)


def batch(reply: Document) -> list[Document]:
    """The events of a reply."""
    assert reply["ok"] == 1.0, reply
    cursor = reply["cursor"]
    return cursor["firstBatch"] if "firstBatch" in cursor else cursor["nextBatch"]  # type: ignore[no-any-return]


def kinds(reply: Document) -> list[str]:
    return [each["operationType"] for each in batch(reply)]


def insert(ask: Ask, *identities: Any, into: str = "fruit", database: str = "shop") -> None:
    assert ask({"insert": into, "documents": [{"_id": each} for each in identities]}, database)["ok"]


# What opens one

REFUSED: dict[str, tuple[Document, int]] = {
    "a group": ({"stages": [{"$group": {"_id": 1}}]}, 20),
    "a sort": ({"stages": [{"$sort": {"x": 1}}]}, 20),
    "a limit": ({"stages": [{"$limit": 1}]}, 20),
    "a lookup": ({"stages": [{"$lookup": {"from": "a", "localField": "a", "foreignField": "b", "as": "c"}}]}, 20),
    "splitting early": ({"stages": [{"$changeStreamSplitLargeEvent": {}}, {"$match": {}}]}, 7182802),
    "splitting twice": ({"stages": [{"$changeStreamSplitLargeEvent": {}}] * 2}, 7182802),
    "splitting with options": ({"stages": [{"$changeStreamSplitLargeEvent": {"a": 1}}]}, 7182800),
    "a second one": ({"stages": [{"$changeStream": {}}]}, 40602),
    "no object": ({"spec": []}, 6188500),
    "an option nobody knows": ({"spec": {"resumeFrom": 1}}, 40415),
    "a boolean that is null": ({"spec": {"showExpandedEvents": None}}, 14),
    "an unknown word": ({"spec": {"fullDocumentBeforeChange": "default"}}, 2),
    "the first wrong option counts": ({"spec": {"fullDocument": "x", "resumeAfter": 1}}, 2),
    "a token without data": ({"spec": {"startAfter": {}}}, 40647),
    "a token with type bits": ({"spec": {"startAfter": {"_data": "82", "_typeBits": "x"}}}, 40648),
    "an empty token": ({"spec": {"startAfter": {"_data": ""}}}, 40649),
    "a token that is no text of bytes": ({"spec": {"startAfter": {"_data": "8 2"}}}, 9),
    "a token of something else": ({"spec": {"startAfter": {"_data": "00", "_typeBits": Binary(b"")}}}, 50811),
    "a token of another server": ({"spec": {"resumeAfter": {"_data": "8264000000000000012B0429296E1404"}}}, 50795),
    "two tokens": ({"spec": {"resumeAfter": {"_data": "82"}, "startAfter": {"_data": "82"}}}, 50865),
    "a token and a time": (
        {"spec": {"resumeAfter": {"_data": "82"}, "startAtOperationTime": Timestamp(1, 1)}},
        40674,
    ),
    "a broken token": ({"spec": {"resumeAfter": {"_data": "00"}}}, 50811),
    "the database admin": ({"database": "admin"}, 73),
    "the database local": ({"database": "local", "of": 1}, 73),
    "the database config": ({"database": "config", "of": "x"}, 73),
    "system.views": ({"of": "system.views"}, 73),
    "all changes of another database": ({"of": 1, "spec": {"allChangesForCluster": True}}, 72),
    "a view": ({"of": "shown"}, 166),
    "a time series": ({"of": "series"}, 166),
    "the read concern local": ({"readConcern": {"level": "local"}}, 72),
    "what the Stable API lacks": ({"spec": {"showExpandedEvents": True}, "apiVersion": "1", "apiStrict": True}, 323),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(ask: Ask, case: str) -> None:
    ask({"create": "shown", "viewOn": "fruit"})
    ask({"create": "series", "timeseries": {"timeField": "t"}})
    options, code = REFUSED[case]
    options = dict(options)
    reply = opened(ask, options.pop("spec", None), *options.pop("stages", ()), **options)
    assert reply["code"] == code, reply


def test_only_at_the_start(ask: Ask) -> None:
    behind = ask({"aggregate": "fruit", "pipeline": [{"$match": {}}, {"$changeStream": {}}], "cursor": {}})
    alone = ask({"aggregate": "fruit", "pipeline": [{"$changeStreamSplitLargeEvent": {}}], "cursor": {}})
    assert (behind["code"], alone["code"]) == (40602, 20)


def test_the_read_concern_majority_is_what_it_has(ask: Ask) -> None:
    assert opened(ask, readConcern={"level": "majority"})["ok"] == 1.0


def test_explain_opens_none(ask: Ask, instance: Instance) -> None:
    pipeline = [{"$changeStream": {}}, {"$match": {"operationType": "insert"}}]
    for verbosity in ("queryPlanner", "executionStats"):
        aggregate = {"aggregate": "fruit", "pipeline": pipeline, "cursor": {}}
        shown = ask({"explain": aggregate, "verbosity": verbosity})
        assert [next(iter(each)) for each in shown["stages"]] == ["$changeStream", "$match"]
    assert not len(instance.cursors)
    assert not instance.store.history.is_watched


def test_a_stream_is_no_table(instance: Instance) -> None:
    command = {"aggregate": "fruit", "pipeline": [{"$changeStream": {}}], "cursor": {}}
    with pytest.raises(ServerError, match="has no end"):
        instance.execute(AggregateTableRequest("shop", command))


# What it gives


def test_scopes(ask: Ask) -> None:
    of_fruit, of_shop = opened(ask), opened(ask, of=1)
    of_all = opened(ask, {"allChangesForCluster": True}, of=1, database="admin")
    insert(ask, 1)
    insert(ask, 2, into="other")
    insert(ask, 3, database="elsewhere")
    insert(ask, 4, database="config")
    seen = [[each["documentKey"]["_id"] for each in batch(more(ask, each))] for each in (of_fruit, of_shop, of_all)]
    assert seen == [[1], [1, 2], [1, 2, 3]]


def test_a_collection_may_come_later(ask: Ask) -> None:
    reply = opened(ask, {"showExpandedEvents": True})
    ask({"create": "fruit"})
    insert(ask, 1)
    assert kinds(more(ask, reply)) == ["create", "insert"]


def test_batches(ask: Ask) -> None:
    reply = opened(ask, batch_size=0)
    assert batch(reply) == []
    insert(ask, *range(5))
    first = more(ask, reply, batchSize=2)
    assert [each["documentKey"]["_id"] for each in batch(first)] == [0, 1]
    assert first["cursor"]["postBatchResumeToken"] == batch(first)[1]["_id"]
    assert [each["documentKey"]["_id"] for each in batch(more(ask, reply))] == [2, 3, 4]
    assert batch(more(ask, reply)) == []


def test_a_batch_stays_under_16_megabytes(ask: Ask, instance: Instance) -> None:
    cursor = instance.cursors.find(opened(ask)["cursor"]["id"])
    assert isinstance(cursor, ChangeStreamCursor)
    for identity in range(3):
        ask({"insert": "fruit", "documents": [{"_id": identity, "text": "x" * 7_000_000}]})
    cursor.begin_look(is_on_loop=True)
    assert cursor.next_batch(None)[0] == []  # so long ones are parsed on a worker
    for expected in ([0, 1], [2], []):
        cursor.begin_look(is_on_loop=False)
        given = [decode(raw) for raw in cursor.next_batch(None)[0]]
        assert [each["documentKey"]["_id"] for each in given] == expected


def test_a_pipeline_and_a_collation(ask: Ask) -> None:
    match = {"$match": {"fullDocument.name": "FIG"}}
    reply = opened(ask, {}, match, {"$set": {"n": {"$add": ["$fullDocument.n", 1]}}}, collation=FIRST)
    unset = opened(ask, {}, match, {"$unset": "fullDocument"})
    ask({"insert": "fruit", "documents": [{"_id": 1, "name": "fig", "n": 1}, {"_id": 2, "name": "FIG", "n": 2}]})
    assert [each["n"] for each in batch(more(ask, reply))] == [2, 3]
    (alone,) = batch(more(ask, unset))
    assert "fullDocument" not in alone
    assert alone["documentKey"] == {"_id": 2}


FIRST = {"locale": "en", "strength": 1}

CHANGED: dict[str, Document] = {
    "left out": {"$project": {"_id": 0}},
    "replaced": {"$set": {"_id": 1}},
    "another root": {"$replaceWith": {"a": 1}},
    "more of it": {"$set": {"_id.more": 1}},
}


@pytest.mark.parametrize("case", CHANGED)
def test_the_token_stays_as_it_is(ask: Ask, instance: Instance, case: str) -> None:
    reply = opened(ask, {}, CHANGED[case])
    insert(ask, 1)
    failed = more(ask, reply)
    assert failed["code"] == ErrorCode.ChangeStreamFatalError
    assert failed["errorLabels"] == ["NonResumableChangeStreamError"]
    assert more(ask, reply)["code"] == ErrorCode.CursorNotFound
    assert not instance.store.history.is_watched


def test_update_lookup_shows_the_present(ask: Ask) -> None:
    insert(ask, 1, 2)
    reply, later = opened(ask, {"fullDocument": "updateLookup"}), opened(ask, {"fullDocument": "updateLookup"})
    ask({"update": "fruit", "updates": [{"q": {}, "u": {"$set": {"n": 1}}, "multi": True}]})
    assert [each["fullDocument"] for each in batch(more(ask, reply))] == [{"_id": 1, "n": 1}, {"_id": 2, "n": 1}]
    ask({"delete": "fruit", "deletes": [{"q": {"_id": 1}, "limit": 1}]})
    ask({"update": "fruit", "updates": [{"q": {}, "u": {"$set": {"n": 2}}}]})
    shown = [each["fullDocument"] for each in batch(more(ask, later)) if each["operationType"] == "update"]
    assert shown == [None, {"_id": 2, "n": 2}, {"_id": 2, "n": 2}]


def test_required_images_that_are_not_kept(ask: Ask) -> None:
    insert(ask, 1)
    replies = [opened(ask, {name: "required"}) for name in ("fullDocument", "fullDocumentBeforeChange")]
    ask({"update": "fruit", "updates": [{"q": {}, "u": {"$set": {"n": 1}}}]})
    assert [more(ask, each)["code"] for each in replies] == [ErrorCode.NoMatchingDocument] * 2


def test_streams_share_what_is_the_same(ask: Ask, instance: Instance) -> None:
    replies = [opened(ask) for _ in range(3)]
    other = opened(ask, {"showExpandedEvents": True})
    insert(ask, 1, 2)
    first, second, third = (batches_of(instance, each) for each in replies)
    assert [id(raw) for raw in first] == [id(raw) for raw in second] == [id(raw) for raw in third]
    assert [id(raw) for raw in batches_of(instance, other)[1:]] != [id(raw) for raw in first]


def batches_of(instance: Instance, reply: Document) -> list[bytes]:
    cursor = instance.cursors.find(reply["cursor"]["id"])
    assert isinstance(cursor, ChangeStreamCursor)
    return cursor.next_batch(None)[0]


def test_what_is_shared_is_bounded(ask: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amongo.commands.shared_commits.SHARED_BYTES", 5000)
    reply = opened(ask)
    for identity in range(20):
        insert(ask, identity)
    assert len(batch(more(ask, reply))) == 20
    kept = instance.shared_commits._commits
    assert 0 < len(kept) < 10
    assert all(commit.memo for commit, _ in kept)
    assert instance.shared_commits._total_bytes == sum(size for _, size in kept) <= 5000


# Tokens


def test_tokens_go_on_with_the_log(ask: Ask) -> None:
    reply = opened(ask)
    marks = [reply["cursor"]["postBatchResumeToken"]]
    for identity in range(3):
        insert(ask, identity, into="other")
        marks.append(more(ask, reply)["cursor"]["postBatchResumeToken"])
    assert sorted(marks, key=lambda mark: mark["_data"]) == marks
    assert len({mark["_data"] for mark in marks}) == 4
    insert(ask, 1)
    (event,) = batch(opened(ask, {"resumeAfter": marks[-1]}))
    assert [batch(opened(ask, {"startAfter": mark})) for mark in marks] == [[event]] * 4
    assert more(ask, reply)["cursor"]["postBatchResumeToken"] == event["_id"]


def test_where_a_stream_begins(ask: Ask) -> None:
    reply = opened(ask)
    insert(ask, 1, 2)
    insert(ask, 3)
    events = batch(more(ask, reply))
    assert batch(opened(ask, {"resumeAfter": events[0]["_id"]})) == events[1:]
    assert batch(opened(ask, {"startAfter": events[1]["_id"]})) == events[2:]
    assert batch(opened(ask, {"startAtOperationTime": events[2]["clusterTime"]})) == events[2:]
    assert batch(opened(ask, {"startAtOperationTime": events[0]["clusterTime"]})) == events
    future = opened(ask, {"startAtOperationTime": Timestamp(2**32 - 1, 1)})
    insert(ask, 4)
    assert batch(more(ask, future)) == []
    assert batch(opened(ask)) == []


def test_a_token_of_another_collection_is_missed_when_an_event_comes(ask: Ask) -> None:
    other = opened(ask, of="other")
    insert(ask, 1, into="other")
    (event,) = batch(more(ask, other))
    reply = opened(ask, {"resumeAfter": event["_id"]})
    assert batch(reply) == batch(more(ask, reply)) == []
    insert(ask, 1)
    failed = more(ask, reply)
    assert failed["code"] == ErrorCode.ChangeStreamFatalError
    assert failed["errorLabels"] == ["NonResumableChangeStreamError"]


def test_history_that_is_lost(ask: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = opened(ask)
    insert(ask, 1)
    (event,) = batch(more(ask, reply))
    monkeypatch.setattr(type(instance.store._log), "oldest", instance.store.last_sequence + 1)
    for start in ({"resumeAfter": event["_id"]}, {"startAtOperationTime": Timestamp(1, 1)}):
        failed = opened(ask, start)
        assert failed["code"] == ErrorCode.ChangeStreamHistoryLost
        assert failed["errorLabels"] == ["NonResumableChangeStreamError"]


# The end


ENDS: dict[str, tuple[Document, str, list[str]]] = {
    "a drop": ({"drop": "fruit"}, "shop", ["drop", "invalidate"]),
    "a rename": ({"renameCollection": "shop.fruit", "to": "shop.new"}, "admin", ["rename", "invalidate"]),
    "the database's end": ({"dropDatabase": 1}, "shop", ["drop", "invalidate"]),
}


@pytest.mark.parametrize("case", ENDS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_invalidates_it(ask: Ask, instance: Instance, case: str, size: int) -> None:
    insert(ask, 1)
    reply = opened(ask)
    command, database, expected = ENDS[case]
    ask(command, database)
    insert(ask, 2)
    seen: list[str] = []
    cursor = reply["cursor"]
    while cursor["id"]:
        answer = more(ask, reply, batchSize=size)
        seen += kinds(answer)
        cursor = answer["cursor"]
    assert seen == expected
    token = cursor["postBatchResumeToken"]
    assert opened(ask, {"resumeAfter": token})["code"] == ErrorCode.InvalidResumeToken
    assert kinds(opened(ask, {"startAfter": token})) == ["insert"]
    assert more(ask, reply)["code"] == ErrorCode.CursorNotFound


def test_an_invalidate_that_no_one_sees_ends_it_all_the_same(ask: Ask) -> None:
    reply = opened(ask, {}, {"$match": {"operationType": "insert"}})
    insert(ask, 1)
    ask({"drop": "fruit"})
    answer = more(ask, reply)
    assert kinds(answer) == ["insert"]
    assert answer["cursor"]["id"] == 0
    again = opened(ask, {"resumeAfter": answer["cursor"]["postBatchResumeToken"]})
    assert again["code"] == ErrorCode.InvalidResumeToken


def test_a_stream_of_a_database_goes_on_after_a_drop(ask: Ask) -> None:
    insert(ask, 1)
    reply = opened(ask, of=1)
    ask({"drop": "fruit"})
    insert(ask, 2)
    assert kinds(more(ask, reply)) == ["drop", "insert"]
    ask({"dropDatabase": 1})
    assert kinds(more(ask, reply)) == ["drop", "dropDatabase", "invalidate"]


def test_nobody_watches_any_more_when_the_last_is_gone(ask: Ask, instance: Instance) -> None:
    replies = [opened(ask) for _ in range(3)]
    assert instance.store.history.is_watched
    ask({"killCursors": "fruit", "cursors": [Int64(each["cursor"]["id"]) for each in replies]})
    assert not instance.store.history.is_watched
    assert more(ask, replies[0])["code"] == ErrorCode.CursorNotFound


# Waiting


def waiting(instance: Instance, reply: Document) -> Awaiting:
    """A getMore that has found nothing."""
    command = {"getMore": Int64(reply["cursor"]["id"]), "collection": "fruit", "maxTimeMS": 60_000}
    with pytest.raises(Awaiting) as caught:
        instance.run_command("shop", encode(command))
    return caught.value


def test_a_getmore_waits_for_a_commit(ask: Ask, instance: Instance) -> None:
    awaits = waiting(instance, opened(ask))
    assert not awaits.change.is_done
    insert(ask, 1, into="other")
    assert awaits.change.is_done
    assert instance.execute(awaits) is None
    insert(ask, 1)
    answer = instance.execute(awaits)
    assert len(answer.batch) == 1
    awaits.end()


def test_one_that_waits_is_told_of_its_end(ask: Ask, instance: Instance) -> None:
    reply = opened(ask)
    awaits = waiting(instance, reply)
    ask({"killCursors": "fruit", "cursors": [Int64(reply["cursor"]["id"])]})
    assert awaits.is_over
    assert instance.store.history.is_watched  # it is used still
    with pytest.raises(ServerError) as caught:
        instance.execute(awaits)
    assert caught.value.code == ErrorCode.CursorKilled
    awaits.end()
    assert not instance.store.history.is_watched


def test_a_look_on_the_loop_is_short(ask: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = opened(ask, {}, {"$match": {"operationType": "delete"}})
    for identity in range(50):
        insert(ask, identity)
    monkeypatch.setattr("amongo.commands.change_stream.LOOP_SLICE_S", 0.0)
    awaits = waiting(instance, reply)
    assert awaits.has_more
    looks = 1
    while awaits.has_more:
        assert instance.execute(awaits) is None
        looks += 1
    assert looks > 40
    awaits.end()


def test_what_lies_in_files_is_read_on_a_worker(ask: Ask, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = opened(ask)
    insert(ask, 1)
    cursor = instance.cursors.find(reply["cursor"]["id"])
    assert isinstance(cursor, ChangeStreamCursor)
    assert cursor.examines == 0
    monkeypatch.setattr(type(cursor._reader), "is_near", False)
    assert cursor.examines > 1_000_000
    cursor.begin_look(is_on_loop=True)
    assert cursor.next_batch(None) == ([], False)
    assert cursor.has_more
    cursor.begin_look(is_on_loop=False)
    assert len(cursor.next_batch(None)[0]) == 1


def test_long_documents_are_work_for_a_worker(ask: Ask, instance: Instance) -> None:
    """Once parsed they are near; but their events take long to make."""
    first, second = (instance.cursors.find(opened(ask)["cursor"]["id"]) for _ in range(2))
    assert isinstance(first, ChangeStreamCursor)
    assert isinstance(second, ChangeStreamCursor)
    insert(ask, 0)
    ask({"insert": "fruit", "documents": [{"_id": 1, "text": "x" * 1_000_000}]})
    insert(ask, 2)
    first.begin_look(is_on_loop=False)
    assert len(first.next_batch(None)[0]) == 3
    second.begin_look(is_on_loop=True)
    assert second.examines == 0
    assert len(second.next_batch(None)[0]) == 1
    assert second.has_more
    assert second.examines > 1_000_000
    assert second.next_batch(None) == ([], False)
    second.begin_look(is_on_loop=False)
    assert len(second.next_batch(None)[0]) == 2
    assert second.examines == 0
