"""A pipeline over the documents of a collection: what it begins with is asked of the planner, and bytes stay bytes.

A $match at the start finds documents as a find does. $sort, $skip and $limit behind it move stored documents about
without changing them: only the fields that they look at are decoded, the bytes of the documents are what is sorted, put
aside and given. What follows reads no field that it does not need.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.pipeline import Pipeline
from amongo.aggregate.plan import fields_read_by
from amongo.aggregate.spilling import RAW, in_order_within
from amongo.aggregate.stages.sort import KEPT_MOST, Sort
from amongo.engine.store import Store
from amongo.planner import CanonicalQuery, Plan
from amongo.values.codec import decode, encode_in_order
from amongo.values.wanted_fields import ReadAll, field_reader, fields_reader

Ask = Callable[[Document, Document | None], CanonicalQuery]
"""(filter, sort pattern or None) -> the query for what a pipeline begins with."""

Read = Callable[[bytes], Document]


def run_on_stored(
    pipeline: Pipeline, ask: Ask, plan_of: Callable[[CanonicalQuery], Plan], store: Store, environment: Environment
) -> Iterator[bytes]:
    """The result documents of a pipeline on a collection, lazily.

    ask       makes the query of what the pipeline begins with
    plan_of   plans it
    errors    those of the query, its plan, the stages and expressions
    """
    match, rest = pipeline.leading_match()
    filter = match.spec if match is not None else {}
    sort, rest = rest.leading_sort()
    query = ask(filter, sort.spec if sort is not None and not sort.pattern.keywords else None)
    skip, limit, rest = rest.leading_window()
    window = (min(skip, sys.maxsize), None if limit is None else min(skip + limit, sys.maxsize))
    plan = plan_of(query if window[1] is None else replace(query, limit=window[1]))
    if environment.columnar is not None:
        by_columns = environment.columnar.pipeline(pipeline, plan, environment)
        if by_columns is not None:
            return by_columns
    if plan.query.sort is None and not (sort is not None and sort.pattern.keywords):
        sort = None
    interrupt = environment.interrupt
    at_start = pipeline.steps[: len(pipeline.steps) - len(rest.steps)]
    if rest.stages and sort is None:
        needed = rest.needed_fields
        read_at_start = fields_read_by(at_start)
        names = None if needed is None or read_at_start is None else needed | read_at_start
        documents = islice(plan.read(store, interrupt, _reader_of_all(names)), *window)
        return map(encode_in_order, rest.run(documents, environment, is_watched=True))
    found = plan.found(store, interrupt, _reader(fields_read_by(at_start)))
    raws = (raw for raw, _ in found) if sort is None else _sorted(found, sort, environment)
    raws = islice(raws, *window)
    if not rest.stages:
        return raws
    return map(encode_in_order, rest.run(map(_reader(rest.needed_fields), raws), environment))


def _reader(names: frozenset[str] | None) -> Read:
    return decode if names is None else field_reader(names)


def _reader_of_all(names: frozenset[str] | None) -> ReadAll:
    return partial(map, decode) if names is None else fields_reader(names)


def _sorted(found: Iterator[tuple[bytes, Document]], sort: Sort, environment: Environment) -> Iterator[bytes]:
    """The bytes in the order of a sort pattern; the first ones alone, if only these are wanted."""
    key, keep = sort.bind_key(), sort.limit

    def key_of(row: tuple[bytes, Any]) -> bytes:
        return key(row[1])

    if keep is not None and keep <= KEPT_MOST:
        for raw, _ in heapq.nsmallest(keep, found, key_of):
            yield raw
        return
    keyed = ((key(document), raw) for raw, document in found)
    yield from islice(in_order_within(keyed, environment, "$sort", RAW), keep)
