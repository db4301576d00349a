"""The change events of a commit.

An entry of documents gives an event for each, an entry of the catalog one for what happened (`catalog_events`). Events
are made one by one, as they are asked for: a commit may hold a hundred thousand documents. What one stream has made of
a small commit the others find in its `memo`, so that a thousand streams on a collection decode a document once.
Source: manual, Change Events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bson import Binary
from bson.datetime_ms import DatetimeMS

from amongo.errors import streams as errors
from amongo.runtime.limits import MEMO_COMMIT_BYTES, MEMO_COMMITS
from amongo.streams.catalog_events import catalog_changes, told_together, view_changes
from amongo.streams.descriptions import update_description
from amongo.streams.oplog_updates import raw_description
from amongo.streams.options import ChangeStreamOptions, Scope
from amongo.streams.tokens import HIGH_WATER_MARK, ResumeToken, timestamp_of
from amongo.values.codec import decode, encode_in_order
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.engine.log.format import Entry
    from amongo.engine.log.recent import Commit

Document = dict[str, Any]
LookUp = Callable[[bytes, str, Document], "bytes | None"]
"""(UUID of the collection, its namespace, documentKey) -> the document as it stands now, None if it does not."""
IsExpired = Callable[[int], bool]
"""Wall time of a commit in milliseconds -> whether its documents before the change are not to be had any more."""

_OPERATIONS: Final = {"i": "insert", "d": "delete"}
_VIEWS: Final = "system.views"
_MEMO: Final = "event"
_remembered: deque[Commit] = deque()
"""The commits whose memo has events, as they were made."""


@dataclass(eq=False, slots=True)
class Event:
    """One change event. Streams share it: nobody changes `document`.

    token           where it stands
    document        the event, `_id` and all, in the server's order of fields
    is_invalidate   the stream ends with it
    """

    token: ResumeToken
    document: Document
    is_invalidate: bool = False
    _raw: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The document as BSON, encoded once."""
        if self._raw is None:
            self._raw = encode_in_order(self.document)
        return self._raw


def no_document(identity: bytes, namespace: str, key: Document) -> bytes | None:
    """A look-up that finds nothing."""
    return None


def never_expired(wall_ms: int) -> bool:
    """Documents before the change are kept as long as the log."""
    return False


def events(
    commit: Commit,
    scope: Scope,
    options: ChangeStreamOptions,
    look_up: LookUp = no_document,
    is_expired: IsExpired = never_expired,
    after: ResumeToken | None = None,
) -> Iterator[Event]:
    """The events of a commit that a stream sees, in order; they end with an invalidate, if one is due.

    look_up      finds the present document, for `updateLookup`
    is_expired   whether documents before the change are withheld, by the commit's wall time
    after        only events behind this one
    errors       NO_PRE_IMAGE, NO_POST_IMAGE at the event that lacks a required document
    """
    images = _Images(options, look_up, is_expired)
    origin: Document = {}
    place = _place_after(after, commit)
    told = 0  # entries before this one have been told of
    for number, entry in enumerate(commit.entries):
        head = read_head(entry.head)
        operation = head["op"]
        if operation == "s":
            origin = _transaction(head)
        elif number < max(place.entry, told):
            continue
        elif operation == "c":
            head, told = command_head(commit, number, head)
            for event in _catalog_events(commit, number, head, origin, scope, options):
                if event.token > place:
                    yield event
                    if event.is_invalidate:
                        return
        elif operation != "n":
            first = place.document + 1 if number == place.entry else 0
            yield from _document_events(_Source(commit, number, entry, head, origin), first, scope, options, images)


def _place_after(after: ResumeToken | None, commit: Commit) -> ResumeToken:
    """The place in a commit behind which events are wanted."""
    if after is None or after.kind == HIGH_WATER_MARK or after.sequence < commit.sequence:
        return ResumeToken(commit.sequence, entry=0, document=-1)
    return after


def command_head(commit: Commit, number: int, first: Document) -> tuple[Document, int]:
    """(the head of an entry of the catalog with what the next ones say of the same command, the entry behind them)."""
    if number + 1 == len(commit.entries):
        return first, number + 1
    head, count = told_together((read_head(entry.head) for entry in commit.entries[number + 1 :]), first)
    return head, number + count


@lru_cache(maxsize=1024)
def read_head(head: bytes) -> Document:
    """An entry's head, decoded once; it is the same bytes for all changes of a kind. Nobody changes it."""
    return decode(head)


def _transaction(marker: Document) -> Document:
    """The fields that events of a transaction have beside others."""
    return {"txnNumber": marker["txnNumber"], "lsid": marker["lsid"]} if marker.get("transaction") else {}


# Events of the catalog


def _catalog_events(
    commit: Commit, number: int, head: Document, origin: Document, scope: Scope, options: ChangeStreamOptions
) -> Iterator[Event]:
    database = head["ns"].partition(".")[0]
    for place, change in enumerate(catalog_changes(database, head)):
        if not _sees(scope, options, database, change.collection, change.target, change.is_expanded):
            continue
        token = ResumeToken(commit.sequence, entry=number, document=place)
        document: Document = {} if change.target is None else {"to": change.target}
        document |= _start(token, change.operation, commit, origin)
        if options.is_expanded and change.identity is not None:
            document["collectionUUID"] = change.identity
        document["wallTime"] = DatetimeMS(commit.wall_ms)
        document["ns"] = {"db": database, "coll": change.collection} if change.collection else {"db": database}
        if options.is_expanded and change.description is not None:
            document["operationDescription"] = change.description
        if change.state_before is not None:
            document["stateBeforeChange"] = change.state_before
        yield Event(token, document)
        if _invalidates(scope, change.operation):
            token = token._replace(is_invalidate=True)
            yield Event(token, _start(token, "invalidate", commit, {}) | {"wallTime": document["wallTime"]}, True)


def _sees(
    scope: Scope,
    options: ChangeStreamOptions,
    database: str,
    collection: str,
    target: Document | None,
    is_expanded: bool,
) -> bool:
    """Whether a stream sees a change of the catalog; one of a whole database has no collection."""
    if is_expanded and not options.is_expanded:
        return False
    if not collection:
        return not scope.collection and scope.has_database(database)
    return scope.covers(database, collection, options.shows_system) or (
        target is not None and scope.covers(target["db"], target["coll"], options.shows_system)
    )


def _invalidates(scope: Scope, operation: str) -> bool:
    if scope.kind == "collection":
        return operation in ("drop", "rename")
    return scope.kind == "database" and operation == "dropDatabase"


def _start(token: ResumeToken, operation: str, commit: Commit, origin: Document) -> Document:
    """The first fields of every event."""
    fields = {
        "_id": {"_data": token.data},
        "operationType": operation,
        "clusterTime": timestamp_of(commit.sequence),
    }
    return origin | fields if origin else fields


# Events of documents


class _Source(NamedTuple):
    """An entry of documents, with where it stands."""

    commit: Commit
    number: int
    entry: Entry
    head: Document
    origin: Document


class _Made(NamedTuple):
    """An event without the documents that the stream may ask for beside.

    before   the document before the change; None if it was not kept
    after    the document behind it; None for a delete
    """

    event: Event
    before: bytes | None
    after: bytes | None


def _document_events(
    source: _Source, first: int, scope: Scope, options: ChangeStreamOptions, images: _Images
) -> Iterable[Event]:
    """The events of an entry's documents from the one at the place `first`."""
    database, _, collection = source.head["ns"].partition(".")
    if collection == _VIEWS and scope.kind != "collection":
        return _view_events(source, first, database) if options.is_expanded and scope.has_database(database) else ()
    if not scope.covers(database, collection, options.shows_system):
        return ()
    made = _made(source, first, {"db": database, "coll": collection}, options)
    if images.are_default:
        return (each.event for each in made)
    return (images.shown(each, source) for each in made)


def _made(source: _Source, first: int, namespace: Document, options: ChangeStreamOptions) -> Iterator[_Made]:
    """The events of an entry's documents; of a short commit, what another stream has made of it."""
    count = len(source.entry.documents) if source.head["op"] == "i" else 1
    if not _is_short(source.commit):
        for place in range(first, count):
            yield _make(source, place, namespace, options)
        return
    memo = source.commit.memo
    for place in range(first, count):
        key = (_MEMO, source.number, place, options.is_expanded, options.shows_raw)
        found: _Made | None = memo.get(key)
        if found is None:
            found = memo[key] = _make(source, place, namespace, options)
            _remember(source.commit)
        yield found


def _is_short(commit: Commit) -> bool:
    """Whether the commit may be kept for what was made of it."""
    size_bytes = 0
    for entry in commit.entries:
        for raw in entry.documents:
            size_bytes += len(raw)
            if size_bytes > MEMO_COMMIT_BYTES:
                return False
    return True


def _remember(commit: Commit) -> None:
    """Forget what was made of commits long ago: the streams that are not behind have seen them."""
    if not _remembered or _remembered[-1] is not commit:
        _remembered.append(commit)
    while len(_remembered) > MEMO_COMMITS:
        memo = _remembered.popleft().memo
        for key in [key for key in list(memo) if key[:1] == (_MEMO,)]:
            memo.pop(key, None)


def _make(source: _Source, place: int, namespace: Document, options: ChangeStreamOptions) -> _Made:
    commit, number, entry, head, origin = source
    kind, documents = head["op"], entry.documents
    before = documents[-1] if head.get("pre") else None
    kept = len(documents) - (before is not None)
    raw = documents[place]
    content = decode(raw)
    operation = ("replace" if kept == 1 else "update") if kind == "u" else _OPERATIONS[kind]
    token = ResumeToken(commit.sequence, entry=number, document=place)
    document = _start(token, operation, commit, origin)
    if options.is_expanded:
        document["collectionUUID"] = head["ui"]
    document["wallTime"] = DatetimeMS(commit.wall_ms)
    if operation in ("insert", "replace"):
        document["fullDocument"] = content
    document["ns"] = namespace
    document["documentKey"] = {"_id": content["_id"]}
    if operation == "update":
        description = decode(documents[1])
        if options.shows_raw:
            document["rawUpdateDescription"] = raw_description(description, content)
        else:
            document["updateDescription"] = update_description(description, content, is_expanded=options.is_expanded)
    return _Made(Event(token, document), before, None if kind == "d" else raw)


def _view_events(source: _Source, first: int, database: str) -> Iterator[Event]:
    """The events of views: creating, changing and dropping one writes a document of `system.views`."""
    commit, number, entry, head, _ = source
    for place, change in enumerate(view_changes(database, head["op"], entry.documents)):
        if place < first:
            continue
        token = ResumeToken(commit.sequence, entry=number, document=place)
        document = _start(token, change.operation, commit, {}) | {
            "wallTime": DatetimeMS(commit.wall_ms),
            "ns": {"db": database, "coll": change.collection},
        }
        if change.description is not None:
            document["operationDescription"] = change.description
        yield Event(token, document)


# Documents before and after


class _Images:
    """Adds to events the documents that a stream asks for."""

    def __init__(self, options: ChangeStreamOptions, look_up: LookUp, is_expired: IsExpired) -> None:
        self._after = options.full_document
        self._before = options.before_change
        self._look_up = look_up
        self._is_expired = is_expired
        self.are_default = self._after == "default" and self._before == "off"

    def shown(self, made: _Made, source: _Source) -> Event:
        """The event with what the stream asks for.

        errors   NO_PRE_IMAGE, NO_POST_IMAGE
        """
        event = made.event
        operation = event.document["operationType"]
        has_after = operation == "update" and self._after != "default"
        has_before = operation != "insert" and self._before != "off"
        if not has_after and not has_before:
            return event
        document = event.document
        before = None if made.before is None or self._is_expired(source.commit.wall_ms) else made.before
        if has_after:
            document = _with_full_document(document, self._full_document(made, before, source))
        if has_before:
            if before is None and self._before == "required":
                raise errors.NO_PRE_IMAGE(event=_named(document))
            document = document | {"fullDocumentBeforeChange": None if before is None else decode(before)}
        return Event(event.token, document)

    def _full_document(self, made: _Made, before: bytes | None, source: _Source) -> Document | None:
        """The document behind an update. As on the server, that of the moment of the change is to be had only where
        the one before was kept."""
        if self._after == "updateLookup":
            identity: Binary = source.head["ui"]
            raw = self._look_up(bytes(identity), source.head["ns"], made.event.document["documentKey"])
        else:
            raw = None if before is None else made.after
            if raw is None and self._after == "required":
                raise errors.NO_POST_IMAGE(event=_named(made.event.document))
        return None if raw is None else decode(raw)


def _with_full_document(document: Document, content: Document | None) -> Document:
    """The event with `fullDocument` in its place, before `ns`."""
    made: Document = {}
    for name, value in document.items():
        if name == "ns":
            made["fullDocument"] = content
        made[name] = value
    return made


def _named(event: Document) -> str:
    """An event in an error's text: enough to find it."""
    return shown({name: event[name] for name in ("_id", "operationType", "clusterTime", "ns", "documentKey")})
