"""`local.oplog.rs`: what was committed, read like a capped collection that nobody can write to.

It is no collection: its documents are made of the log's commits as somebody reads them, from the oldest that is kept. A
filter that begins with a lower bound of `ts` spares what is before. Source: manual, Replica Set Oplog.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from bson import Timestamp

from amongo.engine.log.recent import Commit
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import STREAM_COMMITS
from amongo.streams.oplog import oplog_documents
from amongo.streams.tokens import sequence_of

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]
_LOWER_BOUNDS: Final = ("$gte", "$gt", "$eq")


def oplog_source(
    instance: Instance, filter: Document, interrupt: Interrupt, *, is_reverse: bool = False
) -> Iterator[Document]:
    """The documents up to the present, for a pipeline.

    filter       they are matched with later; a lower bound of `ts` spares what is before
    is_reverse   the last first
    errors       LOG_CORRUPT, STORE_UNREADABLE
    """
    commits = _commits(instance, begin(instance, filter))
    if is_reverse:
        for commit in reversed(list(interrupt.watch(commits))):
            yield from reversed(list(oplog_documents(commit, interrupt)))
        return
    for commit in interrupt.watch(commits):
        yield from oplog_documents(commit, interrupt)


def _commits(instance: Instance, after: int) -> Iterator[Commit]:
    """The commits from `after` to the present."""
    history = instance.store.history
    last, reader = history.last, history.reader(after)
    try:
        while commits := reader.next(STREAM_COMMITS):
            for commit in commits:
                if commit.sequence > last:
                    return
                yield commit
    finally:
        reader.close()


def begin(instance: Instance, filter: Document) -> int:
    """The sequence behind which to read for a filter: that of its lower bound of `ts`, or the oldest there is."""
    bound = filter.get("ts")
    bounds = [bound] if type(bound) is Timestamp else []
    if type(bound) is dict:
        bounds = [bound[name] for name in _LOWER_BOUNDS if type(bound.get(name)) is Timestamp]
    first = max((sequence_of(each) for each in bounds), default=0)
    return max(first - 1, instance.store.history.oldest)
