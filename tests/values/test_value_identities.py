"""New ObjectIds: their bytes, and that none comes twice."""

import os
import threading

import pytest
from bson import ObjectId

from amongo.values import identities
from amongo.values.identities import COUNTER_VALUES, Identities, new_object_id, new_object_ids

RANDOM = b"among"
SECOND = 1_767_225_600


def source(counter: int) -> Identities:
    return Identities(RANDOM, counter, lambda: SECOND + 0.75)


def raw(counter: int, second: int = SECOND) -> bytes:
    return second.to_bytes(4, "big") + RANDOM + counter.to_bytes(3, "big")


COUNTERS = [
    ("at zero", 0, [0, 1, 2]),
    ("past a last byte", 254, [254, 255, 256]),
    ("past two last bytes", 0x12FFFE, [0x12FFFE, 0x12FFFF, 0x130000]),
    ("round the counter", COUNTER_VALUES - 2, [COUNTER_VALUES - 2, COUNTER_VALUES - 1, 0]),
]


@pytest.mark.parametrize(("counter", "numbers"), [case[1:] for case in COUNTERS], ids=[case[0] for case in COUNTERS])
def test_the_bytes_are_second_random_and_counter(counter: int, numbers: list[int]) -> None:
    expected = [raw(number) for number in numbers]
    assert [each.binary for each in source(counter).several(3)] == expected
    one_by_one = source(counter)
    assert [one_by_one.one().binary for _ in range(3)] == expected


def test_the_counter_goes_on_round_after_round() -> None:
    made = source(3 * COUNTER_VALUES - 1)
    assert [each.binary for each in made.several(2)] == [raw(COUNTER_VALUES - 1), raw(0)]


def test_an_id_tells_the_second_in_which_it_was_asked_for() -> None:
    moments = iter([SECOND, SECOND, SECOND + 1, SECOND - 5])
    made = Identities(RANDOM, 0, lambda: next(moments))
    seconds = [int.from_bytes(made.one().binary[:4], "big") for _ in range(4)]
    assert seconds == [SECOND, SECOND, SECOND + 1, SECOND - 5]


def test_one_and_several_share_the_counter() -> None:
    made = source(0)
    ids = [made.one(), *made.several(1000), made.one(), *made.several(300_000), *(made.one() for _ in range(200))]
    assert len(set(ids)) == len(ids) == 301_202


def test_no_ids_are_asked_for() -> None:
    assert new_object_ids(0) == []


def test_ids_of_a_batch_ascend() -> None:
    ids = source(70_000).several(1000)
    assert ids == sorted(ids)


def test_threads_never_get_the_same_id() -> None:
    made: list[list[ObjectId]] = []

    def work() -> None:
        made.append([new_object_id() for _ in range(2000)] + new_object_ids(2000))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for ids in made for each in ids}) == 16_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_forked_process_makes_other_ids() -> None:
    mine = new_object_id().binary
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, new_object_id().binary + new_object_ids(1)[0].binary)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        theirs = pipe.read()
    assert len(theirs) == 24
    assert theirs[4:9] == theirs[16:21] != mine[4:9]


def test_the_lock_is_fresh_after_a_fork() -> None:
    before = identities._source
    with before._lock:
        identities._renew()
        assert isinstance(new_object_id(), ObjectId)
    assert identities._source is not before
