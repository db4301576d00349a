"""Whether a pipeline, a find or a count is run over columns, and the way there.

The path over columns is taken where it is surely exact and likely to be faster: on a collection of some size, of which
no index finds what is asked for. `{$columnar: true}` as the hint requires it, `{$columnar: false}` forbids it. DuckDB
and Arrow are loaded when a query first takes this path.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from amongo.aggregate.environment import Environment
from amongo.aggregate.pipeline import Pipeline
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import query as errors
from amongo.errors import sql as sql_errors
from amongo.planner import CanonicalQuery, Plan
from amongo.planner.observation import SWITCH, observed
from amongo.runtime.interrupts import Interrupt, OperationInterrupted, TimeLimitExpired
from amongo.runtime.limits import (
    BLOCKING_STAGE_BYTES,
    COLUMNAR_FIRST_COUNT,
    COLUMNAR_LEAST_COUNT,
    COLUMNAR_MEMORY_BYTES,
    COLUMNAR_SPARE_BYTES,
    COLUMNAR_TRIED_FILTERS,
    COLUMNAR_TRIES,
)
from amongo.runtime.memory import spare_bytes
from amongo.runtime.workers import Lock

if TYPE_CHECKING:
    from amongo.aggregate.relational import ColumnEngine, running

T = TypeVar("T")

_DIRECTORY = "columnar"  # in the directory of a store: what DuckDB puts aside


class Columnar:
    """The path over columns of one store.

    least_count   documents that a collection has at least for it, where nobody requires it
    """

    def __init__(
        self, store: Store, least_count: int = COLUMNAR_LEAST_COUNT, memory_bytes: int = COLUMNAR_MEMORY_BYTES
    ) -> None:
        """memory_bytes: what DuckDB takes before it puts things aside."""
        self.least_count = least_count
        self._store = store
        self._memory_bytes = memory_bytes
        self._lock = Lock()
        self._engines: dict[bool, ColumnEngine] = {}
        self._tries: dict[tuple[Any, ...], int] = {}
        self._mistakes: deque[str] = deque(maxlen=64)

    @property
    def failures(self) -> list[str]:
        """What was lowered and could not be run all the same, the last of it; there should be none."""
        return [*self._mistakes, *(failure for engine in self._engines.values() for failure in engine.failures)]

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            engines, self._engines = self._engines, {}
        for engine in engines.values():
            engine.close()

    def pipeline(self, pipeline: Pipeline, plan: Plan, environment: Environment) -> Iterator[bytes] | None:
        """The result documents of a pipeline; None where the interpreter is to run it.

        plan     of what the pipeline begins with
        errors   COLUMNAR_REFUSED where it is required; those of the stages
        """
        if not self._is_wanted(plan):
            return None
        is_required = plan.query.columnar is True
        if not is_required and self._stops_early(pipeline) and not self._is_asked_often(plan):
            return None
        if environment.temporary is None and plan.collection.data_bytes > BLOCKING_STAGE_BYTES:
            self._refuse(is_required, "with allowDiskUse: false the interpreter says what takes too much memory")
            return None
        from amongo.aggregate.relational import StatementFailed, running

        try:
            with self._guarded():
                source = self._source(plan.collection, may_spill=environment.temporary is not None)
                documents = running.plan_pipeline(pipeline, source, environment).run(source, environment)
        except (running.NotLowered, running.ColumnsRefused, StatementFailed) as refusal:
            self._refuse(is_required, refusal)
            return None
        plan.collection.uses.scans += 1
        _observe(plan)
        return documents

    def report(self, pipeline: Pipeline, plan: Plan, environment: Environment) -> dict[str, Any] | None:
        """What explain shows: the prefix that runs over columns, or why there is none; None for a small collection."""
        if not self._is_wanted(plan):
            is_small = plan.collection.count < self.least_count
            return None if is_small and plan.query.columnar is None else {"prefix": [], "reason": self._reason(plan)}
        if plan.query.columnar is not True and self._stops_early(pipeline):
            return {"prefix": [], "reason": "a $limit is reached early"}
        from amongo.aggregate.relational import StatementFailed, running

        try:
            with self._guarded():
                source = self._source(plan.collection, may_spill=environment.temporary is not None)
                return running.plan_pipeline(pipeline, source, environment).report
        except (running.NotLowered, running.ColumnsRefused, StatementFailed) as refusal:
            return {"prefix": [], "reason": str(refusal)}

    def scan(self, plan: Plan, variables: Callable[[], Mapping[str, Any]], interrupt: Interrupt) -> running.Scan | None:
        """A find, or the filter of another command, over columns; None where the plan itself is to find the documents.

        variables   gives those of the query; not asked where columns are out of the question
        errors      COLUMNAR_REFUSED where it is required
        """
        if not self._is_wanted(plan):
            return None
        query = plan.query
        is_required = query.columnar is True
        if not is_required:
            if query.expression is None and query.sort is None:
                return None
            if query.limit and query.sort is None and not self._is_asked_often(plan):
                return None
        from amongo.aggregate.relational import StatementFailed, running

        try:
            with self._guarded():
                source = self._source(plan.collection)
                return running.plan_scan(_sorted_by_columns(plan), source, variables(), interrupt)
        except (running.NotLowered, running.ColumnsRefused, StatementFailed) as refusal:
            self._refuse(is_required, refusal)
            return None

    def records(
        self, plan: Plan, variables: Callable[[], Mapping[str, Any]], interrupt: Interrupt
    ) -> Iterator[tuple[int, bytes]] | None:
        """(record id, bytes) of the documents that a query finds, in its order, skipped and limited; None where the
        plan itself is to find them.

        errors   COLUMNAR_REFUSED where it is required
        """
        return self._of_scan(plan, self.scan(plan, variables, interrupt), lambda found: found.records(interrupt))

    def count(self, plan: Plan, variables: Callable[[], Mapping[str, Any]], interrupt: Interrupt) -> int | None:
        """How many documents a query finds, whatever it skips and limits; None where the plan itself is to count them.

        errors   COLUMNAR_REFUSED where it is required
        """
        return self._of_scan(plan, self.scan(plan, variables, interrupt), lambda found: found.count(interrupt))

    def _of_scan(self, plan: Plan, scan: running.Scan | None, ask: Callable[[running.Scan], T]) -> T | None:
        if scan is None:
            return None
        from amongo.aggregate.relational import StatementFailed

        try:
            found = ask(scan)
        except StatementFailed as failure:
            self._refuse(plan.query.columnar is True, failure)
            return None
        plan.collection.uses.scans += 1
        _observe(plan)
        return found

    # Tables

    def found_table(
        self, plan: Plan, names: Sequence[str] | None, variables: Mapping[str, Any], interrupt: Interrupt
    ) -> Any:
        """What a query finds as an Arrow table.

        plan     of the query, without a projection
        names    the top-level fields that are wanted; None for all
        errors   those of the query
        """
        from amongo.aggregate.relational import StatementFailed, exporting, running

        if plan.stage == "COLLSCAN" or _goes_through_ids(plan):
            query, source = _sorted_by_columns(plan), self._source(plan.collection)
            try:
                with self._guarded():
                    return exporting.found_table(query, source, names, variables, interrupt)
            except (running.NotLowered, running.ColumnsRefused, StatementFailed):
                pass
        table = exporting.documents_table(plan.documents(self._store, interrupt), interrupt)
        return table if names is None else exporting.with_names(table, names)

    def documents_table(self, documents: Iterable[bytes], interrupt: Interrupt) -> Any:
        """Documents as an Arrow table."""
        from amongo.aggregate.relational import exporting

        return exporting.documents_table(documents, interrupt)

    def sql(
        self,
        text: str,
        parameters: Any,
        documents_of: Callable[[str], Collection | Iterable[bytes] | None],
        interrupt: Interrupt,
    ) -> Any:
        """The rows of a SELECT over collections.

        documents_of   name -> the collection, or the documents of a view, under this name; None for an unknown one
        errors         SQL_REFUSED, SQL_UNKNOWN_TABLE, SQL_FAILED
        """
        from amongo.aggregate.relational import StatementFailed, exporting, reading_sql, running

        engine = self._engine(may_spill=True)
        try:
            with engine.connection() as connection:
                names = reading_sql.tables_read(connection, text)
        except reading_sql.Refused as refusal:
            raise sql_errors.SQL_REFUSED(reason=str(refusal)) from None
        tables = {}
        for name in names:
            found = documents_of(name)
            if found is None:
                raise sql_errors.SQL_UNKNOWN_TABLE(name=name)
            if not isinstance(found, Collection):
                tables[name] = exporting.documents_table(found, interrupt)
                continue
            try:
                tables[name] = exporting.collection_table(self._source(found), interrupt)
            except running.ColumnsRefused:
                tables[name] = exporting.documents_table(self._store.view(found).documents(), interrupt)
        try:
            return exporting.sql_table(engine, text, parameters, tables, interrupt)
        except StatementFailed as failure:
            raise sql_errors.SQL_FAILED(reason=str(failure)) from None

    # Whether

    def _is_wanted(self, plan: Plan) -> bool:
        """Whether columns may serve as far as the plan says, and the collection's size.

        errors   COLUMNAR_REFUSED
        """
        query = plan.query
        if query.columnar is False or (query.columnar is None and plan.collection.count < self.least_count):
            return False
        is_scan = plan.stage == "COLLSCAN" and plan.near is None and query.search is None and not query.returns_key
        if (is_scan or _goes_through_ids(plan)) and spare_bytes() >= COLUMNAR_SPARE_BYTES:
            return True
        if query.columnar is True:
            raise errors.COLUMNAR_REFUSED(reason=self._reason(plan))
        return False

    def _reason(self, plan: Plan) -> str:
        if plan.query.columnar is False:
            return "the hint forbids it"
        if plan.stage != "COLLSCAN" and not _goes_through_ids(plan):
            return f"an index finds what is asked for: {plan.stage}"
        if spare_bytes() < COLUMNAR_SPARE_BYTES:
            return "the process may take too little memory"
        return "a search, or the keys of an index, are asked for"

    def _stops_early(self, pipeline: Pipeline) -> bool:
        """Whether the interpreter may be done before it has seen all documents: with the first ones that match."""
        _, rest = pipeline.leading_match()
        _, limit, _ = rest.leading_window()
        return limit is not None

    def _is_asked_often(self, plan: Plan) -> bool:
        """Whether the first documents that match have been asked for by these fields before, so that columns of them
        pay: the interpreter may have to look at all documents to find a few, each time anew."""
        query = plan.query
        if query.filter is None or plan.collection.count < COLUMNAR_FIRST_COUNT:
            return False
        key = (plan.collection.uuid, *sorted(query.filter))
        tries = self._tries.pop(key, 0) + 1
        self._tries[key] = tries  # the last ones that were asked stay
        if len(self._tries) > COLUMNAR_TRIED_FILTERS:
            self._tries.pop(next(iter(self._tries)), None)
        return tries > COLUMNAR_TRIES

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """A mistake of ours on this path must not cost an answer that the interpreter has: it is noted as a failure."""
        from amongo.aggregate.relational import StatementFailed, running

        known = (running.NotLowered, running.ColumnsRefused, StatementFailed)
        try:
            yield
        except (*known, ServerError, OperationInterrupted, TimeLimitExpired):
            raise
        except Exception as error:
            self._mistakes.append(repr(error))
            raise StatementFailed(repr(error)) from error

    def _refuse(self, is_required: bool, refusal: Exception | str) -> None:
        if is_required:
            raise errors.COLUMNAR_REFUSED(reason=str(refusal))

    # How

    def _source(self, collection: Collection, *, may_spill: bool = True) -> running.Source:
        from amongo.aggregate.relational import running

        return running.Source(self._store, collection, self._engine(may_spill=may_spill))

    def _engine(self, *, may_spill: bool) -> ColumnEngine:
        from amongo.aggregate.relational import ColumnEngine

        with self._lock:
            engine = self._engines.get(may_spill)
            if engine is None:
                directory = self._store.directory
                place = None if directory is None else os.path.join(directory, _DIRECTORY)
                memory_bytes = self._memory_bytes if may_spill else BLOCKING_STAGE_BYTES
                engine = ColumnEngine(place if may_spill else None, memory_bytes, may_spill=may_spill)
                self._engines[may_spill] = engine
            return engine


class NoColumns(Columnar):
    """Where columns do not serve: they are kept for the real collections, and a transaction sees others."""

    def __init__(self, store: Store, reason: str) -> None:
        super().__init__(store)
        self._why_not = reason

    def _is_wanted(self, plan: Plan) -> bool:
        if plan.query.columnar is True:
            raise errors.COLUMNAR_REFUSED(reason=self._why_not)
        return False


def _observe(plan: Plan) -> None:
    """Tell who keeps an eye on operations that this one goes over columns, which hold all documents."""
    if SWITCH.is_on:
        seen = observed()
        seen.look_by("COLUMNAR")
        seen.docs += plan.collection.count


def _goes_through_ids(plan: Plan) -> bool:
    """Whether a plan looks at all documents in the order of their `_id`s, to see which of them match."""
    query = plan.query
    return (
        plan.stage == "IXSCAN"
        and plan.scan is None
        and plan.access is None
        and query.expression is not None
        and query.sort_key is not None
        and query.id_keys is None
        and query.id_bounds is None
        and not query.hint
        and not query.returns_key
    )


def _sorted_by_columns(plan: Plan) -> CanonicalQuery:
    """The query of a plan, with the order of the `_id`s as a sort like any other."""
    query = plan.query
    return replace(query, sort=query.sort_key, id_direction=0) if _goes_through_ids(plan) else query
