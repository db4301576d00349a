"""Live queries: requests of the embedded client that MongoDB has no commands for.

`LiveRequest` reads the first result and gives a `LiveQuery`, which is at the commit that the result was read at. To
execute a `LiveQuery` is to look at what has been committed since; whoever follows one waits for `LiveQuery.arrival`
between two looks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from amongo.commands.collations import collator_for
from amongo.commands.context import Context
from amongo.commands.namespaces import OPLOG
from amongo.commands.planning import estimated
from amongo.commands.shared_commits import CommitNews
from amongo.commands.variables import runtime_variables
from amongo.commands.views import may_be_view, refuse_view
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.errors import live as errors
from amongo.planner import CanonicalQuery, canonical_query, plan_query
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import LIVE_LOOK_DOCUMENTS, LOOP_DOCUMENTS
from amongo.runtime.waking import Sleeper
from amongo.runtime.workers import Completion
from amongo.streams.live import Definition, Feed, LiveResult
from amongo.values.collation import Collation

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A find whose result is to be kept up to date.

    namespace   "database.collection"
    limit       documents at most; 0 for all
    collation   None for that of the collection
    """

    namespace: str
    filter: dict[str, Any]
    projection: dict[str, Any] | None = None
    sort: dict[str, Any] | None = None
    limit: int = 0
    collation: Collation | None = None


class LiveQuery:
    """A live query that is followed by one task or thread.

    namespace   "database.collection"
    filter      what it asks for
    sequence    of the commit that its first result was read at
    documents   the first result, as bytes
    feed        what has happened since
    sleeper     who waits for more
    """

    __slots__ = ("_history", "documents", "feed", "filter", "namespace", "sequence", "sleeper")

    def __init__(self, instance: Instance, request: LiveRequest, sequence: int, feed: Feed) -> None:
        self.namespace = request.namespace
        self.filter = request.filter
        self.sequence = sequence
        self.documents = feed.result.documents()
        self.feed = feed
        self._history = history = instance.store.history
        self.sleeper = Sleeper(
            history.arrivals, request.namespace, partial(CommitNews, history, instance.shared_commits)
        )

    @property
    def has_news(self) -> bool:
        """Whether there is anything to look at."""
        feed = self.feed
        return feed.is_behind or feed.position < self._history.last

    def arrival(self) -> Completion:
        """What happens with the next commit. Ask for it before a look: what comes after that look completes it."""
        return self._history.arrivals.expect()


def run(instance: Instance, request: LiveRequest, context: Context) -> LiveQuery:
    """Read the first result.

    errors   those of `refuse_others`; LIVE_SEARCH, LIVE_TOO_LARGE; those of filter, projection and sort
    """
    instance.counts["query"] += 1
    refuse_others(instance, request.namespace)
    variables = runtime_variables(instance)

    def define(collection: Collection | None) -> Definition:
        return Definition(_query(request, collection, variables), collection)

    def define_anew(options: dict[str, Any]) -> Definition:
        return define(Collection(request.namespace, b"", options))

    moment = instance.store.moment()
    reader = instance.store.history.reader(moment.sequence)
    try:
        past = instance.store.fork(moment)
        collection = past.catalog.get(request.namespace)
        result = LiveResult(define(collection))
        if collection is not None:
            result.fill(_candidates(past, collection, request, variables, context.interrupt), context.interrupt)
    except BaseException:
        reader.close()
        raise
    identity = None if collection is None else collection.uuid
    feed = Feed(reader, request.namespace, identity, result, define_anew)
    return LiveQuery(instance, request, moment.sequence, feed)


def refuse_others(instance: Instance, namespace: str) -> None:
    """Refuse what is no collection of its own.

    errors   NOT_OF_OPLOG, IS_A_VIEW, NO_BUCKETS
    """
    if namespace == OPLOG:
        raise errors.NOT_OF_OPLOG()
    if may_be_view(instance.store.catalog, namespace):
        refuse_view(instance.store.catalog, namespace)


def _candidates(
    store: Store, collection: Collection, request: LiveRequest, variables: dict[str, Any], interrupt: Interrupt
) -> Iterator[tuple[int, bytes]]:
    """(record id, document) of all that can match, in any order: those that an index finds, where one serves."""
    query = _query(replace(request, projection=None, sort=None, limit=0), collection, variables)
    plan = plan_query(query, collection, store)
    if plan.stage == "COLLSCAN":
        return iter(store.view(collection))
    return ((row.record_id, row.raw) for row in plan.rows(store, interrupt))


def _query(request: LiveRequest, collection: Collection | None, variables: dict[str, Any]) -> CanonicalQuery:
    return canonical_query(
        request.filter,
        projection=request.projection,
        sort=request.sort,
        limit=request.limit,
        variables=variables,
        collator=collator_for(request.collation, collection),
        id_collator=None if collection is None else collection.collator,
    )


def look(instance: Instance, live: LiveQuery, context: Context) -> None:
    """Look at what was committed; what was found is in `live.feed.ready`.

    errors   those of `Feed.look`
    """
    most = LOOP_DOCUMENTS if context.interrupt is NEVER else LIVE_LOOK_DOCUMENTS
    live.feed.look(most, context.interrupt)


def weight(instance: Instance, live: LiveQuery) -> int:
    """About how many documents a look handles. errors: those of `Feed.weight`."""
    return live.feed.weight()


def examines(instance: Instance, request: LiveRequest) -> int:
    """How many documents are looked at for the first result, at most."""
    collection = instance.store.catalog.get(request.namespace)
    return 1 if collection is None else estimated(instance, collection, request.filter, collation=request.collation)
