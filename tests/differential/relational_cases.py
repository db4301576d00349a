"""A pipeline run in both ways over the same documents: by the interpreter, and as far as it is lowered by columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from amongo.aggregate import Environment
from amongo.aggregate.pipeline import parse_pipeline
from amongo.aggregate.relational.execution import ColumnEngine
from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import Lowered, Lowering, Other, lowered
from amongo.aggregate.relational.output import statement_of, whole_documents
from amongo.aggregate.relational.reading import paths_read
from amongo.aggregate.relational.stages.facet import branched_document
from amongo.aggregate.relational.tables import tables_of
from amongo.engine.columns import Columns, Path, Segment
from amongo.engine.columns.decoded import columns_of_documents
from amongo.errors import ServerError
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode, encode_in_order

Document = dict[str, Any]
ENGINE = ColumnEngine()


def columns_over(raws: Sequence[bytes], segments: int = 2) -> Any:
    """What gives columns of paths over these documents, in some segments."""

    def columns_of(paths: Iterable[Path]) -> Columns:
        wanted = tuple(paths)
        size = max(1, -(-len(raws) // segments))
        parts = []
        for first in range(0, len(raws), size):
            part = raws[first : first + size]
            found = columns_of_documents(part, wanted, NEVER)
            ids = np.arange(first + 1, first + 1 + len(part), dtype=np.int64)
            parts.append(Segment(ids, dict(zip(wanted, found, strict=True))))
        return Columns(tuple(parts))

    return columns_of


def run_both(
    documents: Sequence[Document],
    pipeline: list[Document],
    *,
    variables: dict[str, Any] | None = None,
    others: dict[str, list[Document]] | None = None,
    random: Random | None = None,
) -> tuple[list[bytes], list[bytes], Lowered]:
    """(BSON of the interpreter's documents, of the columns', what was lowered).

    random   where $sample gets its chance from on columns
    others   name -> documents of other collections, for $lookup and $unionWith
    errors   those of the pipeline: it must not fail
    """
    variables = variables or {}
    raws = [encode(each) for each in documents]
    parsed = parse_pipeline(pipeline, variables=variables, namespace="db.c").optimized()
    stored = {name: list(map(encode, each)) for name, each in (others or {}).items()}
    environment = Environment("db", lambda database, name: map(decode, stored.get(name, [])), variables=variables)
    expected = list(map(encode_in_order, parsed.run(map(decode, raws), environment)))
    lowering, found = lowered(
        parsed.stages,
        columns_over(raws),
        paths_read(parsed.stages),
        variables,
        others=lambda name: Other(columns_over(stored[name]), sum(map(len, stored[name]))) if name in stored else None,
        random=random or Random(1),
    )
    if not found.stages:
        return expected, expected, found
    rest = parsed.after(found.stages)
    actual = rest.run(prefix_documents(lowering, found, raws, stored), environment)
    return expected, list(map(encode_in_order, actual)), found


def prefix_documents(
    lowering: Lowering, found: Lowered, raws: Sequence[bytes], others: Mapping[str, Sequence[bytes]]
) -> list[Document]:
    """The documents that the lowered prefix gives."""
    if found.frame.branches:

        def documents_of(frame: Frame) -> list[Document]:
            return prefix_documents(lowering, replace(found, frame=frame), raws, others)

        return [branched_document(found.frame, documents_of, Environment("db", lambda database, name: []))]
    statement, shape = statement_of(found.frame)
    batches = ENGINE.batches(statement, tables_of(lowering), NEVER)

    def partners(name: str, ids: Iterable[int]) -> dict[int, Document]:
        return {each: decode(others[name][each - 1]) for each in ids}

    return list(whole_documents(batches, found.frame, shape, lambda ids: [raws[each - 1] for each in ids], partners))


def assert_same(
    documents: Sequence[Document],
    pipeline: list[Document],
    *,
    stages: int | None = None,
    **more: Any,
) -> Lowered:
    """Both ways give identical BSON, in the same order; at least `stages` stages are lowered, where it is given."""
    expected, actual, found = run_both(documents, pipeline, **more)
    if stages is not None:
        assert found.stages >= stages, f"lowered {found.stages} stages: {found.reason}"
    if actual != expected:  # NaN is not equal to itself, its bytes are
        assert [decode(each) for each in actual] == [decode(each) for each in expected], found.reason
    assert actual == expected
    return found


def assert_refused(documents: Sequence[Document], pipeline: list[Document], reason: str, **more: Any) -> None:
    """The first stage is not lowered, for this reason (a part of it)."""
    *_, found = run_both(documents, pipeline, **more)
    assert found.stages == 0
    assert reason in found.reason


def assert_same_or_failing(documents: Sequence[Document], pipeline: list[Document]) -> Lowered:
    """Both ways give identical BSON; where the interpreter fails the pipeline is not lowered as a whole."""
    try:
        return assert_same(documents, pipeline)
    except ServerError as failure:
        parsed = parse_pipeline(pipeline, variables={}, namespace="db.c").optimized()
        raws = [encode(each) for each in documents]
        _, found = lowered(parsed.stages, columns_over(raws), paths_read(parsed.stages), {})
        assert found.stages < len(parsed.stages), f"lowered, but it fails: {failure}"
        return found
