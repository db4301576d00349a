"""listIndexes: the definitions in the order of their making, in batches."""

from __future__ import annotations

from asking import Ask

ID = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
A = {"v": 2, "key": {"a": 1}, "name": "a_1"}
B = {"v": 2, "key": {"b": -1}, "name": "b_-1", "unique": True}


def test_indexes_in_batches(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [A, B]})
    cursor = ask({"listIndexes": "c", "cursor": {"batchSize": 1}})["cursor"]
    assert (cursor["ns"], cursor["firstBatch"]) == ("shop.c", [ID])
    rest = ask({"getMore": cursor["id"], "collection": "c"})["cursor"]
    assert (rest["id"], rest["nextBatch"]) == (0, [A, B])


def test_with_build_information_each_stands_in_a_field(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [A]})
    assert ask({"listIndexes": "c", "includeIndexBuildInfo": True})["cursor"]["firstBatch"] == [
        {"spec": ID},
        {"spec": A},
    ]


def test_a_clustered_collection_has_its_clustered_index(ask: Ask) -> None:
    ask({"create": "c", "clusteredIndex": {"key": {"_id": 1}, "unique": True}})
    clustered = {**ID, "unique": True, "clustered": True}
    assert ask({"listIndexes": "c"})["cursor"]["firstBatch"] == [clustered]
    assert ask({"createIndexes": "c", "indexes": [A]})["numIndexesAfter"] == 1
    assert ask({"listIndexes": "c"})["cursor"]["firstBatch"] == [clustered, A]
    assert ask({"dropIndexes": "c", "index": "_id_"})["code"] == 5979800
    assert ask({"dropIndexes": "c", "index": "*"})["nIndexesWas"] == 1


def test_refused(ask: Ask) -> None:
    assert ask({"listIndexes": "c"})["code"] == 26
    ask({"create": "c"})
    assert ask({"listIndexes": "c", "includeBuildUUIDs": True, "includeIndexBuildInfo": True})["code"] == 72


def test_a_renamed_collection_keeps_its_indexes(ask: Ask) -> None:
    ask({"createIndexes": "c", "indexes": [B]})
    ask({"renameCollection": "shop.c", "to": "shop.d"}, "admin")
    assert ask({"listIndexes": "d"})["cursor"]["firstBatch"] == [ID, B]
    ask({"insert": "d", "documents": [{"b": 1}]})
    assert ask({"insert": "d", "documents": [{"b": 1}]})["writeErrors"][0]["code"] == 11000
