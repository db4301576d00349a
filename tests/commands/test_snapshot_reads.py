"""Reads at one moment, and read concerns with cluster times."""

from __future__ import annotations

from typing import Any

import pytest
from asking import Ask
from bson import Int64, Timestamp

from amongo.commands.instance import Instance
from amongo.runtime.clock import ManualClock
from amongo.runtime.limits import SNAPSHOT_WINDOW_S, SNAPSHOTS

SNAPSHOT = {"level": "snapshot"}


def find(ask: Ask, name: str = "fruit", **options: Any) -> dict[str, Any]:
    return ask({"find": name, "sort": {"_id": 1}, **options})


def ids(reply: dict[str, Any]) -> list[Any]:
    return [each["_id"] for each in reply["cursor"]["firstBatch"]]


def insert(ask: Ask, *numbers: int, name: str = "fruit") -> None:
    assert ask({"insert": name, "documents": [{"_id": number} for number in numbers]})["n"] == len(numbers)


def at(time: Timestamp) -> dict[str, Any]:
    return {"readConcern": {"level": "snapshot", "atClusterTime": time}}


@pytest.mark.parametrize("with_index", [False, True])
def test_a_snapshot_is_read_again(ask: Ask, with_index: bool) -> None:
    if with_index:
        ask({"createIndexes": "fruit", "indexes": [{"key": {"n": 1}, "name": "n"}]})
    insert(ask, 1, 2, 3)
    first = find(ask, readConcern=SNAPSHOT)
    time = first["cursor"]["atClusterTime"]
    ask({"update": "fruit", "updates": [{"q": {"_id": 1}, "u": {"$set": {"n": 1}}}]})
    ask({"delete": "fruit", "deletes": [{"q": {"_id": 2}, "limit": 1}]})
    insert(ask, 4)
    again = find(ask, **at(time))
    assert again["cursor"] == first["cursor"]
    assert ids(find(ask)) == [1, 3, 4]
    assert (
        ids(
            find(ask, filter={"n": 1}, hint={"n": 1}, **at(time))
            if with_index
            else find(ask, filter={"n": 1}, **at(time))
        )
        == []
    )
    pipeline = [{"$match": {"_id": {"$lt": 3}}}, {"$lookup": {"from": "fruit", "pipeline": [], "as": "all"}}]
    joined = ask({"aggregate": "fruit", "pipeline": pipeline, "cursor": {}, **at(time)})
    assert [(each["_id"], len(each["all"])) for each in joined["cursor"]["firstBatch"]] == [(1, 3), (2, 3)]
    assert joined["cursor"]["atClusterTime"] == time
    assert ask({"distinct": "fruit", "key": "_id", **at(time)}) == {
        "values": [1, 2, 3],
        "atClusterTime": time,
        "ok": 1.0,
    }


def test_the_time_is_that_of_the_last_commit(ask: Ask, instance: Instance) -> None:
    insert(ask, 1)
    time = instance.operation_time()
    assert find(ask, readConcern=SNAPSHOT)["cursor"]["atClusterTime"] == time
    insert(ask, 2)
    assert instance.operation_time() > time
    assert ids(find(ask, **at(time))) == [1]


def test_getmores_go_on_in_the_snapshot(ask: Ask) -> None:
    insert(ask, 1, 2, 3)
    cursor = find(ask, batchSize=1, readConcern=SNAPSHOT)["cursor"]
    ask({"drop": "fruit"})
    following = ask({"getMore": Int64(cursor["id"]), "collection": "fruit"})["cursor"]
    assert [each["_id"] for each in following["nextBatch"]] == [2, 3]
    assert following["atClusterTime"] == cursor["atClusterTime"]


def test_a_new_store_has_a_time(ask: Ask, instance: Instance) -> None:
    reply = find(ask, readConcern=SNAPSHOT)
    time = reply["cursor"]["atClusterTime"]
    assert (reply["cursor"]["firstBatch"], time) == ([], instance.operation_time())
    insert(ask, 1)
    assert find(ask, **at(time))["cursor"]["firstBatch"] == []
    assert instance.operation_time() > time


def test_a_collection_that_came_later_or_is_gone(ask: Ask) -> None:
    insert(ask, 1)
    time = find(ask, readConcern=SNAPSHOT)["cursor"]["atClusterTime"]
    ask({"drop": "fruit"})
    insert(ask, 2, name="later")
    assert (ids(find(ask, **at(time))), ids(find(ask, "later", **at(time)))) == ([1], [])


def test_a_time_that_was_not_kept_is_read_from_one_that_was(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    insert(ask, 1)
    find(ask, readConcern=SNAPSHOT)
    clock.advance(5000)
    between = instance.cluster_time()
    clock.advance(1000)
    insert(ask, 2)
    command = {"aggregate": "fruit", "pipeline": [{"$sort": {"_id": 1}}], "cursor": {}, **at(between)}
    assert ids(ask(command)) == [1]


def test_a_time_that_was_not_kept_is_read_from_the_log(ask: Ask, instance: Instance) -> None:
    insert(ask, 1)
    time = instance.operation_time()
    insert(ask, 2)
    assert ids(find(ask, **at(time))) == [1]
    assert ask({"distinct": "fruit", "key": "_id", **at(time)})["values"] == [1]
    refused = ask({"aggregate": "fruit", "pipeline": [], "cursor": {}, **at(time)})
    assert (refused["code"], refused["codeName"]) == (239, "SnapshotTooOld")


def test_moments_are_let_go_after_a_while(ask: Ask, instance: Instance, clock: ManualClock) -> None:
    insert(ask, 1)
    time = find(ask, readConcern=SNAPSHOT)["cursor"]["atClusterTime"]
    clock.advance(int(SNAPSHOT_WINDOW_S * 1000) + 1000)
    insert(ask, 2)
    assert find(ask, **at(time))["code"] == 239
    assert len(instance.snapshot_reads) == 0


def test_only_the_latest_moments_are_kept(ask: Ask, instance: Instance) -> None:
    for number in range(SNAPSHOTS + 5):
        insert(ask, number)
        find(ask, readConcern=SNAPSHOT)
    assert len(instance.snapshot_reads) == SNAPSHOTS


def test_reads_of_the_same_present_share_a_moment(ask: Ask, instance: Instance) -> None:
    insert(ask, 1)
    times = {find(ask, readConcern=SNAPSHOT)["cursor"]["atClusterTime"] for _ in range(3)}
    assert (len(times), len(instance.snapshot_reads)) == (1, 1)


@pytest.mark.parametrize("name", ["afterClusterTime", "atClusterTime"])
def test_a_time_that_nobody_knows_is_refused(ask: Ask, instance: Instance, name: str) -> None:
    known = instance.cluster_time()
    ahead = Timestamp(known.time + 1000, 1)
    read: dict[str, Any] = {"readConcern": {"level": "snapshot", name: ahead}}
    assert (find(ask, **read)["code"], find(ask, **read)["codeName"]) == (72, "InvalidOptions")
    read["$clusterTime"] = {"clusterTime": ahead}
    assert find(ask, **read)["ok"] == 1.0
    assert instance.cluster_time() == ahead


def test_a_time_that_is_known_is_no_matter(ask: Ask, instance: Instance) -> None:
    insert(ask, 1)
    for time in (Timestamp(1, 1), instance.operation_time(), instance.cluster_time()):
        assert ids(find(ask, readConcern={"afterClusterTime": time})) == [1]


def test_a_cluster_time_too_far_ahead_is_not_believed(ask: Ask, instance: Instance) -> None:
    known = instance.cluster_time()
    reply = ask({"ping": 1, "$clusterTime": {"clusterTime": Timestamp(known.time + 40_000_000, 1)}})
    assert (reply["codeName"], instance.cluster_time()) == ("ClusterTimeFailsRateLimiter", known)


def test_the_operation_time_is_never_ahead_of_the_cluster_time(
    ask: Ask, instance: Instance, clock: ManualClock
) -> None:
    for number in range(5):
        assert instance.operation_time() <= instance.cluster_time()
        insert(ask, number)
        clock.advance(700)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"count": "fruit", "readConcern": SNAPSHOT}, 72),
        ({"insert": "fruit", "documents": [{}], "readConcern": SNAPSHOT}, 72),
        ({"find": "fruit", "readConcern": {"level": "local", "atClusterTime": Timestamp(9, 1)}}, 72),
        (
            {
                "find": "fruit",
                "readConcern": {
                    "level": "snapshot",
                    "atClusterTime": Timestamp(9, 1),
                    "afterClusterTime": Timestamp(9, 1),
                },
            },
            72,
        ),
        (
            {"aggregate": "fruit", "pipeline": [{"$out": "x"}], "cursor": {}, "readConcern": SNAPSHOT},
            115,
        ),
    ],
    ids=["count", "insert", "level", "both", "out"],
)
def test_what_cannot_be_a_snapshot_read(ask: Ask, command: dict[str, Any], code: int) -> None:
    assert ask(command)["code"] == code
