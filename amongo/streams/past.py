"""What a collection was at an earlier commit, by what the log says of the time since, and of the time before.

Whatever was not touched since is as it is now. A record that was inserted since was not there. Of one that was changed
or removed since, the former document stands in the log: in the entry that changed it, where the collection keeps
pre-images, else in the last entry before that commit which speaks of the record, else in the files of a checkpoint that
was made between. It may be gone with the old log; then nobody knows any more, and that is what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from amongo.engine.log.history import History
from amongo.errors import ErrorCode, ServerError
from amongo.errors import live as errors
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode

if TYPE_CHECKING:
    from amongo.engine.log.format import Entry
    from amongo.engine.log.recent import Commit

_COMMITS: Final = 64
_HEADS: Final = 64
_ATTEMPTS: Final = 100


class Heads:
    """The heads of entries, decoded: those of a collection are the same bytes again and again."""

    def __init__(self) -> None:
        self._decoded: dict[bytes, dict[str, Any]] = {}

    def of(self, entry: Entry) -> dict[str, Any]:
        """The fields of an entry's head, not to be changed; `ui` as plain bytes."""
        fields = self._decoded.get(entry.head)
        if fields is None:
            fields = decode(entry.head)
            if "ui" in fields:
                fields["ui"] = bytes(fields["ui"])
            if len(self._decoded) >= _HEADS:
                self._decoded.clear()
            self._decoded[entry.head] = fields
        return fields


@dataclass(slots=True)
class Past:
    """What a collection was.

    identity  the UUID of the collection that had the name then; None if none had it
    is_gone   it is not there any more: `former` has all its records
    options   of one that is gone, as it was created
    former    what is not as it is now: by record id the document that was there, None where there was none
    """

    identity: bytes | None
    is_gone: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    former: dict[int, bytes | None] = field(default_factory=dict)


def commits_between(history: History, after: int, last: int, interrupt: Interrupt) -> Iterator[Commit]:
    """The commits with after < sequence <= last, in order.

    errors   SNAPSHOT_TOO_OLD where they are no longer there
    """
    try:
        reader = history.reader(after)
        try:
            while reader.position < last and (commits := reader.next(_COMMITS)):
                for commit in commits:
                    interrupt.check()
                    if commit.sequence > last:
                        return
                    yield commit
        finally:
            reader.close()
    except ServerError as error:
        if error.code != ErrorCode.ChangeStreamHistoryLost:
            raise
        raise errors.SNAPSHOT_TOO_OLD() from None


def commits_until(history: History, last: int, interrupt: Interrupt) -> Iterator[Commit]:
    """All commits that there are with sequence <= last, in order. Those that are removed before the first of them can
    be given are not there.

    errors   SNAPSHOT_TOO_OLD where writers are faster than this reader
    """
    for _ in range(_ATTEMPTS):
        commits = commits_between(history, history.oldest, last, interrupt)
        try:
            first = next(commits, None)
        except ServerError as error:
            if error.code != ErrorCode.SnapshotTooOld:
                raise
            continue
        return iter(()) if first is None else chain((first,), commits)
    raise errors.SNAPSHOT_TOO_OLD()


def sequence_at(history: History, wall_ms: int, last: int, interrupt: Interrupt) -> int:
    """The sequence of the last commit before the first one whose wall time is later than `wall_ms`.

    last     the sequence of the last commit to look at
    errors   SNAPSHOT_TOO_OLD
    """
    # The seconds of a sequence are never less than those of the wall time: before this one, all is early enough.
    early = max((wall_ms // 1000 << 32) - 1, 0)
    oldest = history.oldest
    found = max(early, oldest)
    for commit in commits_between(history, min(found, last), last, interrupt):
        if commit.wall_ms > wall_ms:
            if found == oldest > early:  # and others before it, that are gone, perhaps as well
                raise errors.SNAPSHOT_TOO_OLD()
            break
        found = commit.sequence
    return min(found, last)


def look_back(
    history: History,
    namespace: str,
    present: bytes | None,
    then: int,
    last: int,
    filed: Callable[[bytes, int], bytes | None],
    interrupt: Interrupt,
) -> Past:
    """What the collection of this name was behind the commit `then`.

    present   the UUID of the collection that has the name now, which is behind the commit `last`; None for none
    filed     gives, by UUID and record id, a document as it was at a commit before `then`, from which on all of the log
              is there; None where it is not known
    errors    SNAPSHOT_TOO_OLD, FORMER_DOCUMENT_LOST, COLLECTION_LOST
    """
    since = _Since(namespace)
    for commit in commits_between(history, then, last, interrupt):
        for entry in commit.entries:
            since.take(entry, interrupt)
    past = Past(since.identity if since.is_known else present, since.is_gone, former=since.former)
    if past.identity is None or not (past.is_gone or since.wanted):
        return past
    before = _Before(past, since.wanted)
    for commit in commits_until(history, then, interrupt):
        for entry in commit.entries:
            before.take(entry, interrupt)
    before.settle(namespace, filed)
    return past


class _Since:
    """What has happened since.

    is_known   whether it has been seen which collection had the name then
    identity   its UUID; None for none
    is_gone    whether it was dropped since
    former     as far as it is known: by record id
    wanted     records that had a document, which has to be looked for
    """

    def __init__(self, namespace: str) -> None:
        self.is_known = False
        self.identity: bytes | None = None
        self.is_gone = False
        self.former: dict[int, bytes | None] = {}
        self.wanted: set[int] = set()
        self._namespace = namespace
        self._heads = Heads()

    def take(self, entry: Entry, interrupt: Interrupt) -> None:
        """Go by one entry."""
        fields = self._heads.of(entry)
        operation = fields["op"]
        if operation == "c":
            self._take_command(fields)
            return
        if operation not in ("i", "u", "d"):
            return
        if not self.is_known and fields["ns"] == self._namespace:
            self._know(fields["ui"])
        if self.identity is None or fields["ui"] != self.identity:
            return
        if operation == "i":
            for record_id in interrupt.watch(range(entry.record_id, entry.record_id + len(entry.documents))):
                if record_id not in self.wanted:
                    self.former.setdefault(record_id, None)
        elif entry.record_id not in self.former and entry.record_id not in self.wanted:
            if fields.get("pre"):
                self.former[entry.record_id] = entry.documents[-1]
            else:
                self.wanted.add(entry.record_id)

    def _know(self, identity: bytes | None) -> None:
        self.is_known, self.identity = True, identity

    def _take_command(self, fields: dict[str, Any]) -> None:
        command, identity = fields["o"], fields.get("ui")
        name = next(iter(command))
        database = fields["ns"].partition(".")[0]
        if not self.is_known:
            if name == "renameCollection":
                if command["to"] == self._namespace:
                    dropped = command.get("dropTarget")
                    self._know(None if dropped is None else bytes(dropped))
                elif command["renameCollection"] == self._namespace:
                    self._know(identity)
            elif name in ("create", "drop", "convertToCapped") and f"{database}.{command[name]}" == self._namespace:
                self._know(None if name == "create" else identity)
            elif name == "dropDatabase" and database == self._namespace.partition(".")[0]:
                dropped = {f"{database}.{each['name']}": bytes(each["ui"]) for each in _dropped(fields)}
                self._know(dropped.get(self._namespace))
        if self.identity is None:
            return
        self.is_gone |= name in ("drop", "convertToCapped") and identity == self.identity
        self.is_gone |= name == "renameCollection" and bytes(command.get("dropTarget", b"")) == self.identity
        self.is_gone |= name == "dropDatabase" and any(bytes(each["ui"]) == self.identity for each in _dropped(fields))


def _dropped(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The collections that a dropDatabase has dropped, each with its name and UUID."""
    found: list[dict[str, Any]] = fields.get("o2", {}).get("collections", [])
    return found


class _Before:
    """What the log says of the time before: the documents that are wanted, or all of a collection that is gone."""

    def __init__(self, past: Past, wanted: set[int]) -> None:
        self._past = past
        self._wanted = wanted
        self._heads = Heads()
        self._has_begun = False  # the creation of a collection that is gone has been seen
        if past.is_gone:
            past.former.clear()

    def take(self, entry: Entry, interrupt: Interrupt) -> None:
        """Go by one entry."""
        fields = self._heads.of(entry)
        past = self._past
        if fields.get("ui") != past.identity:
            return
        operation, former = fields["op"], past.former
        if operation == "c":
            if "create" in fields["o"]:
                self._has_begun, past.options = True, fields["o"].get("options") or {}
        elif operation == "i":
            for record_id, raw in enumerate(interrupt.watch(entry.documents), entry.record_id):
                if past.is_gone or record_id in self._wanted:
                    former[record_id] = raw
        elif past.is_gone or entry.record_id in self._wanted:
            if operation == "u":
                former[entry.record_id] = entry.documents[0]
            elif operation == "d":
                former.pop(entry.record_id, None)

    def settle(self, namespace: str, filed: Callable[[bytes, int], bytes | None]) -> None:
        """Take what the log does not say from elsewhere, and refuse what is not whole.

        errors   FORMER_DOCUMENT_LOST, COLLECTION_LOST
        """
        if self._past.is_gone:
            if not self._has_begun:
                raise errors.COLLECTION_LOST(namespace=namespace)
            return
        assert self._past.identity is not None
        for record_id in self._wanted - self._past.former.keys():
            raw = filed(self._past.identity, record_id)
            if raw is None:
                raise errors.FORMER_DOCUMENT_LOST(namespace=namespace)
            self._past.former[record_id] = raw
