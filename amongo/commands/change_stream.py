"""Change streams: an aggregate that begins with $changeStream, and the cursor that it opens.

The cursor reads the log from where it is told to begin, makes events of the commits, sends them through the rest of the
pipeline, and gives what comes out. It never ends but by an invalidate. Each look of a getMore takes a bounded time: on
an event loop a fraction of a millisecond, for what lies in memory; what has to be read from files is read on a worker.
A getMore that finds nothing waits for the next commit (see `tailing`), and nothing is held while it waits.

A thousand streams that want the same share the work (see `shared_commits`). With every batch goes the token behind
which a later stream goes on, also when there was nothing to give: the log has been seen so far. Source: manual, Change
Streams; $changeStream.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from amongo.aggregate import Environment, Pipeline
from amongo.commands.cluster_parameters import images_since_ms
from amongo.commands.context import Context
from amongo.commands.cursors import Cursor
from amongo.commands.shared_commits import CommitNews, EventSource
from amongo.commands.views import resolve
from amongo.engine.log.history import History, Reader
from amongo.engine.log.recent import Commit
from amongo.errors import streams as errors
from amongo.errors.diagnosis import CHANGE_STREAM_ON_VIEW
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import (
    BATCH_BYTES,
    CHECK_DOCUMENTS,
    DOCUMENT_BYTES,
    LOOP_SLICE_S,
    STREAM_COMMITS,
    STREAM_LOOK_S,
)
from amongo.runtime.waking import Sleeper
from amongo.streams.events import Event
from amongo.streams.following import Follower
from amongo.streams.options import ChangeStreamOptions, Scope, parse_change_stream, parse_scope
from amongo.streams.splitting import Splitter, check_size
from amongo.streams.tokens import EVENT, ResumeToken, high_water_mark
from amongo.values.codec import encode_in_order
from amongo.values.key_bytes import id_key
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.aggregate import AggregateRequest
    from amongo.commands.instance import Instance

Document = dict[str, Any]
Given = tuple[bytes, ResumeToken]
"""(what the cursor gives, the token behind it)"""


def parse_stream(namespace: str, pipeline: Pipeline, *, has_collection: bool) -> tuple[Scope, ChangeStreamOptions]:
    """What the change stream at the start of a pipeline watches, and how.

    namespace   that of the aggregate
    errors      those of `amongo.streams.options`
    """
    stage = pipeline.change_stream
    assert stage is not None
    options = parse_change_stream(stage.spec)
    database, _, collection = namespace.partition(".")
    return parse_scope(database, collection if has_collection else "", options), options


def run(
    instance: Instance, request: AggregateRequest, environment: Environment, interrupt: Interrupt, context: Context
) -> Document:
    """The reply of an aggregate that opens a change stream.

    environment   for the stages behind $changeStream
    interrupt     that of the aggregate, whose time limit counts for the first batch alone
    errors        CHANGE_STREAM_ON_VIEW, HISTORY_LOST, TOKEN_NOT_FOUND, those of events and stages
    """
    check_target(instance, request.namespace)
    assert request.stream is not None
    scope, options = request.stream
    history = instance.store.history
    start = options.start or high_water_mark(history.last + 1)
    pipeline, is_split = request.pipeline.within_change_stream()
    if start.fragment >= 0 and not is_split:
        raise errors.SPLIT_STAGE_MISSING()
    look_up = partial(current_document, instance, options.matches_uuid)
    follower = Follower(scope, options, start, look_up, lambda wall_ms: wall_ms < images_since_ms(instance))
    source = EventSource(instance.shared_commits, follower, scope, options, start)
    cursor = ChangeStreamCursor(
        request.namespace,
        history.reader(follower.after),
        source,
        history,
        pipeline if pipeline.stages else None,
        environment,
        Splitter(options.start) if is_split else None,
        session_id=context.session_id,
    )
    interrupt.also_stop(cursor.interrupt)
    try:
        reply = cursor.first_reply(instance, request.batch_size, interrupt)
    except BaseException:
        cursor.close()
        raise
    if not reply["cursor"]["id"]:
        cursor.close()
    return {**reply, "operationTime": instance.operation_time()}


def check_target(instance: Instance, namespace: str) -> None:
    """Refuse a change stream on a view; a collection that is not there may come later.

    errors   CHANGE_STREAM_ON_VIEW
    """
    catalog = instance.store.catalog
    if catalog.get(namespace) is None and resolve(catalog, namespace) is not None:
        raise CHANGE_STREAM_ON_VIEW()


def current_document(
    instance: Instance, matches_uuid: bool, identity: bytes, namespace: str, key: Document
) -> bytes | None:
    """The document as it stands now, for `updateLookup`; None if there is none.

    matches_uuid   look in the very collection that was changed, not in what has its name now
    identity       UUID of that collection
    key            `documentKey` of the event
    """
    collection = instance.store.catalog.get(namespace)
    if collection is None or (matches_uuid and collection.uuid != identity):
        return None
    return collection.get_by_key(id_key(key["_id"], collection.collator))


class ChangeStreamCursor(Cursor):
    """The cursor of a change stream."""

    __slots__ = (
        "_commits",
        "_current",
        "_ends_s",
        "_environment",
        "_event",
        "_events",
        "_has_more",
        "_is_invalid",
        "_is_long",
        "_operation",
        "_pipeline",
        "_reader",
        "_seen",
        "_source",
        "_splitter",
        "_token",
        "_waiting",
        "is_on_loop",
    )

    def __init__(
        self,
        namespace: str,
        reader: Reader,
        source: EventSource,
        history: History,
        pipeline: Pipeline | None,
        environment: Environment,
        splitter: Splitter | None,
        *,
        session_id: bytes | None = None,
    ) -> None:
        """
        pipeline   the stages behind $changeStream; None for none
        splitter   of events that are too large; None where nobody asked
        """
        super().__init__(namespace, iter(()), Interrupt(), session_id=session_id, awaits_data=True)
        self.sleeper = Sleeper(history.arrivals, source.namespace, partial(CommitNews, history, source.shared))
        self._reader = reader
        self._source = source
        self._pipeline = pipeline
        self._environment = replace(environment, interrupt=self.interrupt)
        self._splitter = splitter
        self._operation = NEVER
        self._token = source.start  # behind what was given last
        self._commits: deque[Commit] = deque()  # read, and not looked at yet
        self._current: Commit | None = None  # whose events are being given
        self._is_long = False  # whether they are no work for an event loop
        self._events: Iterator[Event] = iter(())  # those that are left of it
        self._event: Event | None = None  # that is in the pipeline
        self._waiting: deque[Given] = deque()  # what had no room in the last batch
        self._seen = 0  # sequence of the last commit of which all has been given
        self._is_invalid = False
        self._has_more = False
        self._ends_s = sys.float_info.max  # of the look
        self.is_on_loop = False

    def first_reply(self, instance: Instance, batch_size: int | None, operation: Interrupt) -> Document:
        """The reply of the aggregate, with what there is already.

        operation   the aggregate, which may be stopped or run out of time
        errors      those of events and stages
        """
        self._operation = operation
        try:
            return instance.cursors.first_reply(self, batch_size).document()
        finally:
            self._operation = NEVER

    @property
    def has_more(self) -> bool:
        """Whether the last look has ended before all that there is had been looked at."""
        return self._has_more

    @property
    def examines(self) -> int:
        """Nothing worth a worker while what comes next is in memory, and short."""
        return 0 if not self._is_long and (self._commits or self._reader.is_near) else sys.maxsize

    def resume_token(self) -> Document:
        """The token behind the last batch."""
        return self._token.as_document()

    def close(self) -> None:
        """Read no more."""
        self._reader.close()

    def begin_look(self, *, is_on_loop: bool) -> None:
        """Limit the time of the next batch, and what it may read."""
        self.is_on_loop = is_on_loop
        self._ends_s = time.monotonic() + (LOOP_SLICE_S if is_on_loop else STREAM_LOOK_S)

    def next_batch(self, count: int | None) -> tuple[list[bytes], bool]:
        """(the next events, whether the stream has ended).

        count    events at most; None for as many as 16 MiB hold
        errors   TOKEN_CHANGED, EVENT_TOO_LARGE, TOKEN_NOT_FOUND, HISTORY_LOST, those of events and stages
        """
        batch: list[bytes] = []
        size = 0
        self._has_more = False
        for given in self._given():
            raw, token = given
            size += len(raw)
            if size > BATCH_BYTES and batch:
                self._waiting.appendleft(given)
                return batch, False
            batch.append(raw)
            self._token = token
            if len(batch) == count:
                return batch, self._has_ended()
        self._advance()
        return batch, self._has_ended()

    def _has_ended(self) -> bool:
        """Whether all is given, and the stream invalid."""
        if not self._is_invalid or self._waiting:
            return False
        assert self._event is not None
        self._token = self._event.token
        return True

    def _advance(self) -> None:
        """All there is has been looked at: note how far that is, unless the last event stands there."""
        if self._seen > (self._token.sequence if self._token.kind == EVENT else 0):
            self._token = max(self._token, high_water_mark(self._seen + 1))

    def _given(self) -> Iterator[Given]:
        """What there is to give, until the time of the look is up.

        errors   as `next_batch`
        """
        while self._waiting:
            yield self._waiting.popleft()
        if self._is_invalid:
            return
        if self._pipeline is None and self._splitter is None:
            for event in self._next_events():
                if len(event.raw) > DOCUMENT_BYTES:
                    check_size(event.document, event.raw)
                yield event.raw, event.token
            return
        documents = self._event_documents()
        if self._pipeline is not None:
            documents = self._pipeline.run(documents, self._environment, is_watched=True)
        for document in documents:
            assert self._event is not None
            event = self._event
            if document is not event.document and document.get("_id") != event.document["_id"]:
                raise errors.TOKEN_CHANGED(expected=shown(event.document["_id"]), found=_shown_id(document))
            if self._splitter is not None:
                fragments = self._splitter.fragments(event.token, document)
                self._waiting.extend((encode_in_order(each.document), each.token) for each in fragments)
                while self._waiting:
                    yield self._waiting.popleft()
                continue
            raw = event.raw if document is event.document else encode_in_order(document)
            if len(raw) > DOCUMENT_BYTES:
                check_size(document, raw)
            yield raw, event.token

    def _event_documents(self) -> Iterator[Document]:
        for event in self._next_events():
            yield event.document

    def _next_events(self) -> Iterator[Event]:
        """The next events, until the time of the look is up; an invalidate is the last one ever."""
        countdown = CHECK_DOCUMENTS
        while True:
            if self._is_long and self.is_on_loop:
                self._has_more = True
                return
            for event in self._events:
                self._event = event
                self._is_invalid = event.is_invalidate
                yield event
                if event.is_invalidate:
                    return
                if time.monotonic() >= self._ends_s:
                    self._has_more = True
                    return
            if self._current is not None:
                self._seen, self._current, self._is_long = self._current.sequence, None, False
                if time.monotonic() >= self._ends_s:
                    self._has_more = True
                    return
            countdown -= 1
            if not countdown:
                countdown = CHECK_DOCUMENTS
                self._operation.check()
                self.interrupt.check()
            if not self._commits and not self._read():
                return
            self._current = self._commits.popleft()
            self._events = iter(self._source.events(self._current))
            self._is_long = self._source.is_long(self._current)

    def _read(self) -> bool:
        """Read the next commits; False if there are none, or none at hand for a look on the loop."""
        if self.is_on_loop and not self._reader.is_near:
            self._has_more = True
            return False
        self._commits.extend(self._reader.next(STREAM_COMMITS))
        return bool(self._commits)


def _shown_id(document: Document) -> str:
    """The `_id` of an event that a pipeline has changed."""
    return shown(document["_id"]) if "_id" in document else "MISSING"
