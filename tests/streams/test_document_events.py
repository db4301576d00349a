"""Events of documents: field by field and in the server's order, for every kind of write and every image asked for."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Int64
from bson.datetime_ms import DatetimeMS
from watching import EXPANDED, SHOP, World, kinds, told

from amongo.engine.log.format import Entry
from amongo.engine.log.recent import Commit
from amongo.errors import ServerError
from amongo.runtime.limits import MEMO_COMMIT_BYTES, MEMO_COMMITS
from amongo.streams.events import Event, events
from amongo.streams.options import Scope, parse_change_stream
from amongo.values.codec import decode, encode

FRUIT = {"db": "shop", "coll": "fruit"}
UI = Binary(b"u" * 16, 4)


@pytest.fixture
def fruit(world: World) -> World:
    """`shop.fruit` with two documents, which are of no interest."""
    world.ask({"insert": "fruit", "documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 2}]})
    world.skip()
    return world


def head(operation: str, **fields: Any) -> bytes:
    return encode({"op": operation, "ns": "shop.fruit", "ui": UI, **fields})


def commit_of(*entries: tuple[bytes, list[dict[str, Any]]], sequence: int = 7 << 32) -> Commit:
    parsed = tuple(Entry(1, head, [encode(each) for each in documents]) for head, documents in entries)
    return Commit(sequence, 5000, parsed)


def events_of(commit: Commit, spec: dict[str, Any] | None = None, scope: Scope = SHOP, **options: Any) -> list[Event]:
    return list(events(commit, scope, parse_change_stream(spec or {}), **options))


class TestWrites:
    def test_insert(self, fruit: World) -> None:
        fruit.ask({"insert": "fruit", "documents": [{"_id": 3, "n": 3}, {"_id": 4}]})
        first, second = fruit.events()
        assert list(first.document) == [
            "_id",
            "operationType",
            "clusterTime",
            "wallTime",
            "fullDocument",
            "ns",
            "documentKey",
        ]
        assert told(first) == {
            "operationType": "insert",
            "fullDocument": {"_id": 3, "n": 3},
            "ns": FRUIT,
            "documentKey": {"_id": 3},
        }
        assert first.document["_id"] == {"_data": first.token.data}
        assert first.document["clusterTime"] == first.token.cluster_time
        assert first.document["wallTime"] == DatetimeMS(fruit.commits[0].wall_ms)
        assert second.document["documentKey"] == {"_id": 4}
        assert first.token < second.token

    def test_expanded(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 5}}}]})
        (event,) = fruit.events(EXPANDED)
        collection = fruit.instance.store.catalog.by_namespace["shop.fruit"]
        assert list(event.document) == [
            "_id",
            "operationType",
            "clusterTime",
            "collectionUUID",
            "wallTime",
            "ns",
            "documentKey",
            "updateDescription",
        ]
        assert event.document["collectionUUID"] == Binary(collection.uuid, 4)
        assert event.document["updateDescription"] == {
            "updatedFields": {"n": 5},
            "removedFields": [],
            "truncatedArrays": [],
            "disambiguatedPaths": {},
        }

    def test_update(self, fruit: World) -> None:
        fruit.ask(
            {"update": "fruit", "updates": [{"q": {}, "u": {"$unset": {"n": 1}, "$set": {"a.b": 1}}, "multi": True}]}
        )
        first, second = fruit.events()
        description = {"updatedFields": {"a": {"b": 1}}, "removedFields": ["n"], "truncatedArrays": []}
        assert told(first) == {
            "operationType": "update",
            "ns": FRUIT,
            "documentKey": {"_id": 1},
            "updateDescription": description,
        }
        assert second.document["documentKey"] == {"_id": 2}

    def test_replace(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"x": 1}}]})
        (event,) = fruit.events({"fullDocument": "required"})
        assert told(event) == {
            "operationType": "replace",
            "fullDocument": {"_id": 1, "x": 1},
            "ns": FRUIT,
            "documentKey": {"_id": 1},
        }

    def test_a_pipeline_that_changes_a_small_document_replaces_it(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": [{"$set": {"n": 5}}]}]})
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 2}, "u": {"$set": {"f": "*" * 50}}}]})
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 2}, "u": [{"$set": {"n": 5}}]}]})
        small, _, large = fruit.events()
        assert (small.document["operationType"], small.document["fullDocument"]) == ("replace", {"_id": 1, "n": 5})
        assert large.document["updateDescription"]["updatedFields"] == {"n": 5}

    def test_delete(self, fruit: World) -> None:
        fruit.ask({"delete": "fruit", "deletes": [{"q": {}, "limit": 0}]})
        first, second = fruit.events({"fullDocument": "updateLookup"})
        assert told(first) == {"operationType": "delete", "ns": FRUIT, "documentKey": {"_id": 1}}
        assert second.document["documentKey"] == {"_id": 2}

    def test_an_upsert_inserts(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 9}, "u": {"$set": {"n": 9}}, "upsert": True}]})
        assert kinds(fruit.events()) == ["insert"]

    def test_what_changes_nothing_is_no_event(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 1}}}]})
        fruit.ask({"delete": "fruit", "deletes": [{"q": {"_id": 9}, "limit": 1}]})
        assert fruit.events() == []

    def test_a_document_that_is_pushed_out_of_a_capped_collection_is_deleted(self, world: World) -> None:
        world.ask({"create": "log", "capped": True, "size": 10_000, "max": 1})
        world.ask({"insert": "log", "documents": [{"_id": 1}, {"_id": 2}]})
        assert [(each.document["operationType"], each.document["documentKey"]) for each in world.events()] == [
            ("insert", {"_id": 1}),
            ("insert", {"_id": 2}),
            ("delete", {"_id": 1}),
        ]

    def test_measurements_of_a_time_series_are_not_seen(self, world: World) -> None:
        world.ask({"create": "s", "timeseries": {"timeField": "t"}})
        world.ask({"insert": "s", "documents": [{"t": DatetimeMS(0)}]})
        assert world.events({"showSystemEvents": True}) == []

    def test_raw_description(self, fruit: World) -> None:
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"a": [1, {"b": 2}]}}}]})
        fruit.skip()
        update = {"$set": {"a.1.b": 3, "a.0": 5, "z": 1}, "$unset": {"n": 1}}
        fruit.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": update}]})
        (event,) = fruit.events({"showRawUpdateDescription": True})
        assert "updateDescription" not in event.document
        assert event.document["rawUpdateDescription"] == {
            "$v": 2,
            "diff": {"u": {"z": 1}, "d": {"n": False}, "sa": {"a": True, "u0": 5, "s1": {"u": {"b": 3}}}},
        }


class TestImages:
    """`fullDocument` and `fullDocumentBeforeChange`. The log keeps documents before the change where an entry's head
    says `pre`."""

    BEFORE, AFTER, LATER = {"_id": 1, "n": 1}, {"_id": 1, "n": 2}, {"_id": 1, "n": 3}
    UPDATE = (head("u", pre=True), [AFTER, {"updatedPaths": ["n"]}, BEFORE])
    PLAIN_UPDATE = (head("u"), [AFTER, {"updatedPaths": ["n"]}])
    REPLACE = (head("u", pre=True), [AFTER, BEFORE])
    DELETE = (head("d", pre=True), [{"_id": 1}, BEFORE])
    PLAIN_DELETE = (head("d"), [{"_id": 1}])
    INSERT = (head("i", pre=True), [BEFORE])

    CASES: list[tuple[str, Any, dict[str, str], str, Any, Any]] = [
        ("nothing asked", UPDATE, {}, "update", "absent", "absent"),
        ("looked up", UPDATE, {"fullDocument": "updateLookup"}, "update", LATER, "absent"),
        ("at hand", UPDATE, {"fullDocument": "whenAvailable"}, "update", AFTER, "absent"),
        ("not at hand", PLAIN_UPDATE, {"fullDocument": "whenAvailable"}, "update", None, "absent"),
        ("required", UPDATE, {"fullDocument": "required"}, "update", AFTER, "absent"),
        ("before", UPDATE, {"fullDocumentBeforeChange": "whenAvailable"}, "update", "absent", BEFORE),
        ("before, not at hand", PLAIN_UPDATE, {"fullDocumentBeforeChange": "whenAvailable"}, "update", "absent", None),
        ("of a replacement", REPLACE, {"fullDocument": "default"}, "replace", AFTER, "absent"),
        ("before a replacement", REPLACE, {"fullDocumentBeforeChange": "required"}, "replace", AFTER, BEFORE),
        ("of a delete", DELETE, {"fullDocument": "required"}, "delete", "absent", "absent"),
        ("before a delete", DELETE, {"fullDocumentBeforeChange": "required"}, "delete", "absent", BEFORE),
        ("before a lost one", PLAIN_DELETE, {"fullDocumentBeforeChange": "whenAvailable"}, "delete", "absent", None),
        ("before an insert", INSERT, {"fullDocumentBeforeChange": "required"}, "insert", BEFORE, "absent"),
    ]  # fmt: skip

    @pytest.mark.parametrize(
        ("entry", "spec", "kind", "after", "before"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
    )
    def test_image(self, entry: Any, spec: dict[str, Any], kind: str, after: Any, before: Any) -> None:
        if entry is TestImages.INSERT:  # an insert has no document before it
            entry = (head("i"), entry[1])
        (event,) = events_of(commit_of(entry), spec, look_up=lambda *asked: encode(self.LATER))
        assert event.document["operationType"] == kind
        assert event.document.get("fullDocument", "absent") == after
        assert event.document.get("fullDocumentBeforeChange", "absent") == before

    def test_order_of_fields(self) -> None:
        spec = {"fullDocument": "updateLookup", "fullDocumentBeforeChange": "required"}
        (event,) = events_of(commit_of(self.UPDATE), spec)
        assert list(event.document) == [
            "_id",
            "operationType",
            "clusterTime",
            "wallTime",
            "fullDocument",
            "ns",
            "documentKey",
            "updateDescription",
            "fullDocumentBeforeChange",
        ]
        assert event.document["fullDocument"] is None, "nothing was found"

    @pytest.mark.parametrize("spec", [{"fullDocument": "required"}, {"fullDocumentBeforeChange": "required"}])
    def test_a_required_document_that_is_missing(self, spec: dict[str, Any]) -> None:
        with pytest.raises(ServerError, match="was not found for event") as caught:
            events_of(commit_of(self.PLAIN_UPDATE), spec)
        assert caught.value.code == 47

    def test_expired(self) -> None:
        expired = commit_of(self.UPDATE)
        spec = {"fullDocument": "whenAvailable", "fullDocumentBeforeChange": "whenAvailable"}
        (event,) = events_of(expired, spec, is_expired=lambda wall_ms: wall_ms <= 5000)
        assert (event.document["fullDocument"], event.document["fullDocumentBeforeChange"]) == (None, None)
        (event,) = events_of(expired, spec, is_expired=lambda wall_ms: wall_ms < 5000)
        assert (event.document["fullDocument"], event.document["fullDocumentBeforeChange"]) == (self.AFTER, self.BEFORE)

    def test_the_deployment_says_when_they_expire(self, world: World) -> None:
        world.ask({"create": "fruit", "changeStreamPreAndPostImages": {"enabled": True}})
        world.ask({"insert": "fruit", "documents": [{"_id": 1}]})
        expiry = {"preAndPostImages": {"expireAfterSeconds": 10}}
        world.ask({"setClusterParameter": {"changeStreamOptions": expiry}}, "admin")
        stage = {"$changeStream": {"fullDocumentBeforeChange": "whenAvailable"}}
        cursor = world.ask({"aggregate": "fruit", "pipeline": [stage], "cursor": {}})["cursor"]
        more = {"getMore": Int64(cursor["id"]), "collection": "fruit", "maxTimeMS": 1}
        for waited_ms, before in ((10_000, {"_id": 1}), (10_001, None)):
            world.ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$inc": {"n": 1}}}]})
            world.instance.clock.advance(waited_ms)  # type: ignore[attr-defined]
            (event,) = world.ask(more)["cursor"]["nextBatch"]
            assert event["fullDocumentBeforeChange"] == before

    def test_what_a_look_up_is_asked(self) -> None:
        asked: list[Any] = []
        events_of(commit_of(self.UPDATE), {"fullDocument": "updateLookup"}, look_up=lambda *each: asked.append(each))
        assert asked == [(b"u" * 16, "shop.fruit", {"_id": 1})]

    def test_events_before_the_failure_are_delivered(self) -> None:
        found = events(
            commit_of(self.UPDATE, self.PLAIN_UPDATE), SHOP, parse_change_stream({"fullDocument": "required"})
        )
        assert next(found).document["fullDocument"] == self.AFTER
        with pytest.raises(ServerError):
            next(found)


class TestOrigins:
    SESSION = {"id": Binary(b"s" * 16, 4), "uid": b"d" * 32}
    MARKER = {"op": "s", "lsid": SESSION, "txnNumber": Int64(4)}
    INSERT = (head("i"), [{"_id": 1}])

    def test_a_transaction_names_its_session(self) -> None:
        first, second = events_of(
            commit_of((encode(self.MARKER | {"transaction": True}), []), self.INSERT, self.INSERT)
        )
        assert list(first.document)[:3] == ["txnNumber", "lsid", "_id"]
        assert (first.document["txnNumber"], first.document["lsid"]) == (Int64(4), self.SESSION)
        assert first.document["clusterTime"] == second.document["clusterTime"]
        assert first.token < second.token

    def test_a_retryable_write_does_not(self) -> None:
        (event,) = events_of(commit_of((encode(self.MARKER), []), self.INSERT))
        assert "lsid" not in event.document

    def test_a_marker_alone_is_no_event(self) -> None:
        assert events_of(commit_of((encode({"op": "n", "ns": ""}), []))) == []


class TestSharing:
    """Streams that see the same commits share what was made of them, and nobody gets what another has asked for."""

    def test_an_event_is_made_once(self) -> None:
        commit = commit_of((head("i"), [{"_id": 1}]))
        (first,), (second,) = events_of(commit), events_of(commit, scope=Scope("shop", "fruit"))
        assert first is second
        assert first.raw is second.raw
        assert decode(first.raw) == first.document

    def test_options_that_change_the_event_are_told_apart(self) -> None:
        commit = commit_of(TestImages.UPDATE)
        plain, expanded, raw = (
            events_of(commit),
            events_of(commit, EXPANDED),
            events_of(commit, {"showRawUpdateDescription": True}),
        )
        assert "collectionUUID" not in plain[0].document
        assert "disambiguatedPaths" in expanded[0].document["updateDescription"]
        assert "rawUpdateDescription" in raw[0].document
        (image,) = events_of(commit, {"fullDocumentBeforeChange": "required"})
        assert image.document["fullDocumentBeforeChange"] == TestImages.BEFORE
        assert "fullDocumentBeforeChange" not in events_of(commit)[0].document

    def test_long_commits_are_not_kept(self) -> None:
        commit = commit_of((head("i"), [{"_id": 1}]), (head("i"), [{"_id": 2, "f": "*" * MEMO_COMMIT_BYTES}]))
        assert len(events_of(commit)) == 2
        assert not commit.memo

    def test_commits_long_ago_are_forgotten(self) -> None:
        commits = [commit_of((head("i"), [{"_id": 1}]), sequence=each + 1) for each in range(MEMO_COMMITS + 5)]
        commits[0].memo["of another"] = 1
        for commit in commits:
            events_of(commit)
        assert commits[0].memo == {"of another": 1}
        assert commits[-1].memo
