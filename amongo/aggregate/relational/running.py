"""Running pipelines, finds and counts over the columns of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.pipeline import Pipeline
from amongo.aggregate.relational import not_lowered
from amongo.aggregate.relational.encoding import can_encode, encoded
from amongo.aggregate.relational.execution import ColumnEngine
from amongo.aggregate.relational.frame import RECORD_ID, Frame, Key
from amongo.aggregate.relational.lowering import TABLE, Lowered, Lowering, Other, Unread, lowered
from amongo.aggregate.relational.output import statement_of, whole_documents
from amongo.aggregate.relational.reading import Reading, paths_read
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import column, sql
from amongo.aggregate.relational.stages.facet import branched_document
from amongo.aggregate.relational.stages.order import ordered_by, window
from amongo.aggregate.relational.tables import table_of, tables_of
from amongo.aggregate.relational.values import NotLowered
from amongo.aggregate.stages.sample import Sample
from amongo.engine.columns import Columns, Path
from amongo.engine.columns.cache import ColumnsRefused, columns_of
from amongo.engine.records import Collection, View
from amongo.engine.store import Store
from amongo.planner import CanonicalQuery
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode_in_order
from amongo.values.wanted_fields import field_reader


@dataclass(frozen=True, slots=True)
class Source:
    """A collection whose columns are read.

    engine   runs the statements
    """

    store: Store
    collection: Collection
    engine: ColumnEngine


class Moment:
    """The columns of a collection, asked for as it turns out which are read; and the view of the moment of the last of
    them, which has them all."""

    def __init__(self, source: Source, interrupt: Interrupt) -> None:
        self._source = source
        self._interrupt = interrupt
        self.view: View | None = None
        self.columns: Columns | None = None

    def columns_of(self, paths: Iterable[Path]) -> Columns:
        """The columns of these paths. errors: ColumnsRefused."""
        source = self._source
        self.view, self.columns = columns_of(source.store, source.collection, tuple(paths), self._interrupt)
        return self.columns

    def documents_of(self, record_ids: Iterable[int]) -> Iterator[bytes]:
        """The documents of record ids."""
        assert self.view is not None
        return self.view.documents_of(record_ids)

    def decoded(self, record_ids: Iterable[int]) -> dict[int, Document]:
        """The documents of record ids, by these."""
        assert self.view is not None
        raws = ((each, self.view.record(each)) for each in self._interrupt.watch(record_ids))
        return {each: decode(raw) for each, raw in raws if raw is not None}


@dataclass(frozen=True, slots=True)
class Plan:
    """The beginning of a pipeline, lowered.

    pipeline   the whole pipeline
    others     other collections that are read, by name
    """

    pipeline: Pipeline
    moment: Moment
    others: Mapping[str, Moment]
    lowering: Lowering
    lowered: Lowered

    @property
    def report(self) -> dict[str, Any]:
        """What explain shows of it."""
        names = self.pipeline.names
        shown = {"prefix": list(names[: self.lowered.stages]), **_read(self.moment, self.lowering)}
        if self.lowered.stages < len(names):
            name = shown["stoppedAt"] = names[self.lowered.stages]
            shown["reason"] = not_lowered.STAGES.get(name, self.lowered.reason)
        return shown

    def run(self, source: Source, environment: Environment) -> Iterator[bytes]:
        """The result documents of the pipeline.

        errors   StatementFailed; those of the stages behind
        """
        frame = self.lowered.frame
        if frame.branches:
            return self._run_branches(frame, source, environment)
        statement, shape = statement_of(frame)
        batches = source.engine.batches(statement, tables_of(self.lowering), environment.interrupt)
        rest = self.pipeline.after(self.lowered.stages)
        if frame.is_whole:
            ids = (each for batch in batches for each in batch.column(RECORD_ID).to_pylist())
            raws = self.moment.documents_of(environment.interrupt.watch(ids))
            if not rest.stages:
                return raws
            needed = rest.needed_fields
            return _encoded(rest, map(decode if needed is None else field_reader(needed), raws), environment)
        if not frame.is_stored and not rest.stages and can_encode(shape):
            return (raw for batch in batches for raw in encoded(batch, shape))
        documents = whole_documents(batches, frame, shape, self.moment.documents_of, self._partners)
        return _encoded(rest, documents, environment) if rest.stages else map(encode_in_order, documents)

    def _run_branches(self, frame: Frame, source: Source, environment: Environment) -> Iterator[bytes]:
        """Of a $facet at the end."""

        def documents_of(frame: Frame) -> Iterator[Document]:
            statement, shape = statement_of(frame)
            batches = source.engine.batches(statement, tables_of(self.lowering), environment.interrupt)
            return whole_documents(batches, frame, shape, self.moment.documents_of, self._partners)

        document = branched_document(frame, documents_of, environment)
        return _encoded(self.pipeline.after(self.lowered.stages), [document], environment)

    def _partners(self, collection: str, record_ids: Iterable[int]) -> dict[int, Document]:
        return self.others[collection].decoded(record_ids)


def _encoded(rest: Pipeline, documents: Iterable[Document], environment: Environment) -> Iterator[bytes]:
    return map(encode_in_order, rest.run(documents, environment))


def plan_pipeline(pipeline: Pipeline, source: Source, environment: Environment) -> Plan:
    """The longest beginning of a pipeline that runs over columns.

    errors   NotLowered where there is none that is worth it; ColumnsRefused
    """
    moment = Moment(source, environment.interrupt)
    paths = paths_read(pipeline.stages)
    collates = pipeline.collator is not None
    moments: dict[str, Moment] = {}

    def other(name: str) -> Other | None:
        stored = environment.stored(environment.database, name)
        if stored is None:
            return None
        if name not in moments:
            moments[name] = Moment(Source(*stored, source.engine), environment.interrupt)
        return Other(moments[name].columns_of, stored.collection.data_bytes)

    lowering, found = lowered(
        pipeline.stages,
        moment.columns_of,
        paths,
        environment.variables,
        collates=collates,
        others=other,
        random=environment.random,
    )
    if not found.stages:
        raise NotLowered(found.reason or "there is nothing to compute")
    is_drawn = any(isinstance(stage, Sample) for stage in pipeline.stages[: found.stages])
    if found.frame.is_stored and not found.frame.branches and not found.paths and not is_drawn:
        raise NotLowered("nothing is read but whole documents")
    return Plan(pipeline, moment, moments, lowering, found)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a query finds, lowered."""

    source: Source
    query: CanonicalQuery
    moment: Moment
    lowering: Lowering
    frame: Frame

    @property
    def report(self) -> dict[str, Any]:
        """What explain shows of it."""
        return _read(self.moment, self.lowering)

    def records(self, interrupt: Interrupt) -> Iterator[tuple[int, bytes]]:
        """(record id, bytes) of the documents, in the query's order, skipped and limited.

        errors   StatementFailed
        """
        view = self.moment.view
        assert view is not None
        ids = self.record_ids(interrupt)
        return ((each, raw) for each in interrupt.watch(ids) if (raw := view.record(each)) is not None)

    def record_ids(self, interrupt: Interrupt) -> Iterator[int]:
        """The record ids of the documents, in the query's order, skipped and limited.

        errors   StatementFailed
        """
        frame = window(self.frame, self.query.skip, self.query.limit or None)
        statement = frame.relation.statement([column(RECORD_ID)], frame.order_by())
        batches = self.source.engine.batches(statement, {TABLE: table_of(self.lowering)}, interrupt)
        return (each for batch in batches for each in batch.column(RECORD_ID).to_pylist())

    def count(self, interrupt: Interrupt) -> int:
        """How many documents there are, whatever the query skips and limits.

        errors   StatementFailed
        """
        statement = self.frame.relation.statement([sql("count(*) AS n")])
        (batch,) = self.source.engine.batches(statement, {TABLE: table_of(self.lowering)}, interrupt)
        found: int = batch.column("n")[0].as_py()
        return found


def plan_scan(
    query: CanonicalQuery,
    source: Source,
    variables: Mapping[str, Any],
    interrupt: Interrupt,
    also: Iterable[Path] = (),
) -> Scan:
    """A query over columns.

    also     paths that are read beside those of the query
    errors   NotLowered, ColumnsRefused
    """
    moment = Moment(source, interrupt)
    reading = Reading()
    for path in also:
        reading.path(path)
    if query.expression is not None:
        reading.match(query.expression)
    for path in query.sort.paths if query.sort is not None else ():
        reading.path(path)
    wanted = reading.paths
    while True:
        lowering = Lowering(moment.columns_of(wanted), variables, collates=query.collator is not None)
        try:
            return Scan(source, query, moment, lowering, _query_frame(query, lowering))
        except Unread as unread:
            wanted.update(dict.fromkeys(unread.paths))


def _read(moment: Moment, lowering: Lowering) -> dict[str, Any]:
    columns = moment.columns
    assert columns is not None
    return {
        "documents": columns.count,
        "columns": [".".join("[]" if part is None else part for part in path) for path in lowering.read],
        "columnsBuilt": columns.built,
    }


def _query_frame(query: CanonicalQuery, lowering: Lowering) -> Frame:
    frame = lowering.start()
    if query.expression is not None:
        scope = Scope(frame, lowering)
        condition = scope.filter(query.expression)
        frame = scope.frame.where(condition)
    if query.is_reverse:
        frame = replace(frame, order=(Key(column(RECORD_ID), is_descending=True),))
    return frame if query.sort is None else ordered_by(query.sort, frame, lowering)


__all__ = ["ColumnsRefused", "Moment", "NotLowered", "Plan", "Scan", "Source", "plan_pipeline", "plan_scan"]
