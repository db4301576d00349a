"""What retryable writes have done is remembered with their commits, through restarts, crashes and checkpoints."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from bson import Binary, Int64
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from amongo.commands.instance import Instance
from amongo.engine import retries as retries_module
from amongo.engine.files.crashing import CrashingFiles, Failure, MachineStopped
from amongo.engine.log import parse_entries
from amongo.engine.origin import Origin, coming_from, narrowed, runs_of, session_key
from amongo.engine.repair import repair
from amongo.engine.retries import Outcome, Retries, StatementsDone, packed
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.errors import ErrorCode, ServerError
from amongo.mql.index_keys import key_maker
from amongo.runtime.clock import ManualClock
from amongo.runtime.limits import SESSION_IDLE_MINUTES
from amongo.values.codec import decode, encode

SETTINGS = Settings(log_file_bytes=2_000)  # so that files rotate often
SESSION, OTHER = bytes(15) + b"a", bytes(15) + b"b"
HOUR = 3600 << 32


def origin(*statements: int, number: int = 1, session: bytes = SESSION, **more: Any) -> Origin:
    return Origin(session, number, statements, **more)


# The entry of the log

_origins = st.builds(
    Origin,
    st.one_of(st.binary(min_size=16, max_size=16), st.binary(min_size=48, max_size=48)),
    st.integers(0, 2**63 - 1),
    st.lists(st.one_of(st.integers(0, 40), st.integers(-(2**31) - 1, 2**31)), unique=True, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, "pre"]),
    st.sampled_from([None, encode({"_id": 1})]),
)


@given(_origins)
def test_the_entry_tells_of_all(told: Origin) -> None:
    (entry,) = parse_entries(told.entry())
    assert Origin.parse(entry) == told
    assert encode(decode(entry.head)) == entry.head


@given(st.lists(st.integers(0, 30), unique=True).map(tuple))
def test_runs_have_all_numbers(statements: tuple[int, ...]) -> None:
    assert tuple(each for first, last in runs_of(statements) for each in range(first, last + 1)) == statements


def test_some_of_the_statements() -> None:
    assert narrowed((1,)) is None
    with coming_from(origin(4, 5, 6)):
        assert narrowed(None) == origin(4, 5, 6)
        assert narrowed((0, 2)) == origin(4, 6)


# The table


@given(st.lists(st.sets(st.integers(0, 20), min_size=1), max_size=6), st.booleans())
def test_each_statement_has_its_outcome(batches: list[set[int]], through_manifest: bool) -> None:
    table, expected = Retries(), dict[int, str]()
    for batch, operation in zip(batches, "iudiud", strict=False):
        told = origin(*sorted(batch - expected.keys()))
        table.check(told)
        table.remember(told, operation, None, HOUR)
        expected |= dict.fromkeys(told.statements, operation)
    if through_manifest:
        stored, table = decode(encode({"table": packed(table.freeze(HOUR))})), Retries()
        table.restore(stored["table"])
    for statement in range(22):
        outcome = table.find(SESSION, 1, statement)
        assert (None if outcome is None else outcome.operation) == expected.get(statement)
    if expected:
        with pytest.raises(StatementsDone):
            table.check(origin(99, *expected))


@pytest.mark.parametrize("through_manifest", [False, True])
def test_sessions_of_two_users_are_two(through_manifest: bool) -> None:
    ann, bob = (session_key(SESSION, bytes([letter]) * 32) for letter in b"ab")
    table = Retries()
    table.remember(Origin.parse(parse_entries(Origin(ann, 1, (0,)).entry())[0]), "i", None, HOUR)
    table.remember(Origin(bob, 2, (1,)), "u", None, HOUR)
    table.remember(Origin(SESSION, 3, (2,)), "d", None, HOUR)
    if through_manifest:
        stored, table = decode(encode({"table": packed(table.freeze(HOUR))})), Retries()
        table.restore(stored["table"])
    assert [table.last(each) for each in (ann, bob, SESSION)] == [(1, False), (2, False), (3, False)]


def test_many_statements_of_a_kind_are_one_run() -> None:
    table = Retries()
    for statement in range(1000):
        table.remember(origin(statement), "u", None, HOUR)
    ((_, _, _, _, outcomes),) = table.freeze(HOUR)
    assert outcomes == (Outcome(0, 999, "u"),)


def test_a_frozen_table_does_not_change() -> None:
    table = Retries()
    table.remember(origin(0), "u", None, HOUR)
    frozen = table.freeze(HOUR)
    before = packed(frozen)
    table.remember(origin(1), "u", None, HOUR)
    table.remember(origin(0, session=OTHER), "u", None, HOUR)
    assert packed(frozen) == before


def test_sessions_that_are_idle_are_forgotten() -> None:
    table = Retries()
    table.remember(origin(0), "u", None, HOUR)
    table.remember(origin(0, session=OTHER), "u", None, HOUR + (60 << 32))
    table.forget_idle(3600 + SESSION_IDLE_MINUTES * 60)
    assert (table.last(SESSION), table.last(OTHER)) == (None, (1, False))


def test_a_later_number_forgets_the_earlier_one() -> None:
    table = Retries()
    table.remember(origin(0, number=3), "u", None, HOUR)
    table.begin(SESSION, 4, 3600)
    assert table.last(SESSION) == (4, False)
    with pytest.raises(ServerError) as begun:
        table.begin(SESSION, 3, 3600)
    with pytest.raises(ServerError) as committed:
        table.check(origin(0, number=3))
    assert begun.value.code == committed.value.code == ErrorCode.TransactionTooOld


def test_images_beyond_the_room_for_them_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries_module, "RETRY_IMAGE_BYTES", 250)
    table, document = Retries(), bytes(100)
    for session in (SESSION, OTHER, bytes(16)):
        told = origin(0, session=session, image="pre", image_document=document)
        table.remember(told, "u", None, HOUR)
    kept = [table.find(session, 1, 0) for session in (SESSION, OTHER, bytes(16))]
    assert [each and (each.image, each.image_document) for each in kept] == [
        ("pre", None),
        ("pre", document),
        ("pre", document),
    ]


# With a store


class Subject:
    """A store on a crashing file system, and commands on it."""

    def __init__(self, files: CrashingFiles) -> None:
        self.files = files
        self.clock = ManualClock()
        self.open()

    def open(self) -> None:
        self.store = Store.open(
            "data", files=self.files, clock=self.clock, settings=SETTINGS, has_service=False, make_keys=key_maker
        )
        self.instance = Instance(self.store, self.clock, SETTINGS)

    def ask(self, command: dict[str, Any], session: bytes = SESSION, number: int = 1) -> dict[str, Any]:
        told = {"lsid": {"id": Binary(session, 4)}, "txnNumber": Int64(number)}
        return decode(encode(self.instance.run_command("shop", encode(command | told))))

    def count_up(self, name: str, session: bytes = SESSION, number: int = 1, statement: int = 0) -> dict[str, Any]:
        """Count up a number, which a retry does not do again."""
        update = {"q": {"_id": name}, "u": {"$inc": {"n": 1}}, "upsert": True}
        return self.ask({"update": "counts", "updates": [update], "stmtId": statement}, session, number)

    def counts(self) -> dict[str, int]:
        collection = self.store.catalog.get("shop.counts")
        if collection is None:
            return {}
        documents = [decode(raw) for _, raw in self.store.view(collection)]
        return {document["_id"]: document["n"] for document in documents}

    def checkpoint(self) -> None:
        assert self.store.checkpoints is not None
        self.store.checkpoints.checkpoint()

    def kill(self) -> None:
        self.files = self.files.kill()
        self.open()

    def crash(self, seed: int) -> None:
        self.files = self.files.crash(seed)
        self.open()


@pytest.mark.parametrize("checkpoints", ["none", "between", "behind"])
def test_a_retry_after_a_restart(checkpoints: str) -> None:
    subject = Subject(CrashingFiles())
    command = {"insert": "fruit", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]}
    subject.ask({"insert": "fruit", "documents": [{"_id": 2}], "stmtId": 1})
    if checkpoints == "between":
        subject.checkpoint()
    subject.ask(command)
    subject.ask({"insert": "fruit", "documents": [{"_id": 4}]}, OTHER)
    if checkpoints == "behind":
        subject.checkpoint()
    subject.kill()
    assert subject.ask(command) == {"n": 3, "retriedStmtIds": [0, 1, 2], "ok": 1.0}
    assert subject.ask({"insert": "fruit", "documents": [{"_id": 4}]}, OTHER)["retriedStmtIds"] == [0]
    with pytest.raises(ServerError) as caught:
        subject.ask(command, number=0)
    assert caught.value.code == ErrorCode.TransactionTooOld


@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize("new", [False, True])
def test_find_and_modify_after_a_restart(new: bool, has_checkpoint: bool) -> None:
    subject = Subject(CrashingFiles())
    command = {"findAndModify": "counts", "query": {"_id": "a"}, "update": {"$inc": {"n": 1}}, "new": new}
    subject.count_up("a", OTHER)
    first = subject.ask(command)
    if has_checkpoint:
        subject.checkpoint()
    subject.kill()
    assert subject.ask(command) == {**first, "retriedStmtId": 0}
    assert subject.counts() == {"a": 2}


def test_what_is_done_after_a_checkpoint_has_frozen_is_not_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject(CrashingFiles())
    subject.count_up("a")
    checkpoints = subject.store.checkpoints
    assert checkpoints is not None
    publish = checkpoints._publish

    def publish_after_another(*arguments: Any) -> None:
        subject.count_up("b", statement=1)
        publish(*arguments)

    monkeypatch.setattr(checkpoints, "_publish", publish_after_another)
    subject.checkpoint()
    was_there = set()
    for seed in range(12):
        again = Subject(subject.files.crash(seed))
        before = again.counts()
        was_there.add("b" in before)
        assert before == ({"a": 1, "b": 1} if "b" in before else {"a": 1})
        assert ("retriedStmtIds" in again.count_up("b", statement=1)) is ("b" in before)
        assert again.counts() == {"a": 1, "b": 1}
    assert was_there == {False, True}


@pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.name)
def test_every_write_point(failure: Failure) -> None:
    """Whatever fails, a statement is remembered if and only if its write is there."""

    def script(subject: Subject) -> None:
        for statement in range(3):
            subject.count_up("a", statement=statement)
        subject.checkpoint()
        subject.count_up("a", statement=3)
        subject.count_up("a", OTHER)

    untroubled = Subject(CrashingFiles())
    script(untroubled)
    attempts = [(SESSION, statement) for statement in range(4)] + [(OTHER, 0)]
    for at in range(untroubled.files.operations):
        files = CrashingFiles(fail_at=at, failure=failure, seed=at)
        try:
            subject = Subject(files)
        except (ServerError, OSError, MachineStopped):
            continue  # the store could not be made
        try:
            script(subject)
        except (ServerError, OSError, MachineStopped):
            pass
        subject.kill()
        for session, statement in attempts:
            subject.count_up("a", session, statement=statement)
        assert subject.counts() == {"a": 5}, at


def test_a_repaired_store_knows_what_the_log_tells() -> None:
    subject = Subject(CrashingFiles())
    subject.count_up("a")
    subject.count_up("b", statement=1)
    subject.store.close()
    repair("data", "new", files=subject.files)
    store = Store.open("new", files=subject.files, clock=subject.clock, has_service=False, make_keys=key_maker)
    assert store.retries.last(SESSION) == (1, False)
    assert [store.retries.find(SESSION, 1, statement) is not None for statement in range(3)] == [True, True, False]


class RetriesMachine(RuleBasedStateMachine):
    """Writes, retries, restarts, crashes and checkpoints in any order: each statement is made once."""

    sessions = st.sampled_from((SESSION, OTHER))
    statements = st.integers(0, 3)

    @initialize()
    def begin(self) -> None:
        self.subject = Subject(CrashingFiles())
        self.numbers = {SESSION: count(1), OTHER: count(1)}
        self.number = {session: next(numbers) for session, numbers in self.numbers.items()}

    @rule(session=sessions)
    def go_on(self, session: bytes) -> None:
        self.number[session] = next(self.numbers[session])

    @rule(session=sessions, statement=statements)
    def attempt(self, session: bytes, statement: int) -> None:
        number = self.number[session]
        name = f"{session[-1]}-{number}-{statement}"
        reply = self.subject.count_up(name, session, number, statement)
        assert (reply["n"], reply["upserted"]) == (1, [{"index": 0, "_id": name}])
        assert self.subject.counts()[name] == 1

    @rule(session=sessions, first=statements, length=st.integers(1, 3))
    def attempt_several(self, session: bytes, first: int, length: int) -> None:
        number = self.number[session]
        statements = range(10 + first, 10 + first + length)
        documents = [{"_id": f"{session[-1]}-{number}-{statement}", "n": 1} for statement in statements]
        command = {"insert": "counts", "documents": documents, "stmtIds": list(statements)}
        assert self.subject.ask(command, session, number)["n"] == length

    @rule()
    def checkpoint(self) -> None:
        self.subject.checkpoint()

    @rule()
    def kill(self) -> None:
        self.subject.kill()

    @rule(seed=st.integers(0, 1000))
    def crash(self, seed: int) -> None:
        self.subject.crash(seed)

    @invariant()
    def nothing_twice(self) -> None:
        assert set(self.subject.counts().values()) <= {1}


TestRetries = RetriesMachine.TestCase
TestRetries.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
