"""Covered queries: what a projection keeps stands in the entries of an index, and no document is read.

The fields come in the order of the key pattern, as on the server. An entry has null for a missing field too, and not
every value: such documents are fetched all the same, so that an index never changes an answer. Source: manual, Query
Optimization, "Covered Query".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from amongo.engine.indexes import record_id_of
from amongo.planner.access import IndexedAccess
from amongo.planner.probe import Probe
from amongo.planner.query import CanonicalQuery
from amongo.planner.stages import Moment
from amongo.runtime.interrupts import Interrupt
from amongo.values.codec import decode, encode
from amongo.values.deprecated import Undefined

Document = dict[str, Any]
Kept = tuple[tuple[int, str], ...]
"""(place in the key, name) of each field that is shown."""

_SIMPLE: Final = (bool, int, float)


def covered_fields(query: CanonicalQuery, access: IndexedAccess) -> Kept | None:
    """The fields of the key that a projection shows; None where the query is not covered."""
    spec, scan = query.projection_spec, access.single
    if not spec or scan is None or access.residual or query.sort is not None or query.returns_key:
        return None
    if query.projection is None or query.projection.keywords or query.projection.is_positional:
        return None
    facts = scan.facts
    if facts.is_multikey or not facts.is_ordered or facts.collator is not None:
        return None
    shown = {name for name, value in spec.items() if type(value) in _SIMPLE and value and "." not in name}
    left_out = {name for name, value in spec.items() if type(value) in _SIMPLE and not value}
    if not shown or left_out - {"_id"} or len(shown) + len(left_out) < len(spec):
        return None
    if "_id" not in left_out:
        shown.add("_id")
    if not shown <= set(facts.fields):
        return None
    return tuple((place, name) for place, name in enumerate(facts.fields) if name in shown)


def covered_documents(
    query: CanonicalQuery,
    access: IndexedAccess,
    kept: Kept,
    moment: Moment,
    interrupt: Interrupt,
    probe: Probe | None = None,
) -> Iterator[bytes]:
    """The result documents' bytes, in the order of the index; neither skipped nor limited.

    probe   counts what goes by, for explain
    """
    scan, projection = access.single, query.projection
    assert scan is not None
    assert projection is not None
    counts = None if probe is None else probe.of(scan)
    values_of = scan.facts.index.values_of
    for entry in interrupt.watch(scan.entries(moment, interrupt, counts)):
        if counts is not None:
            counts.given += 1
        values = values_of(entry)
        if values is not None and not any(
            values[place] is None or type(values[place]) is Undefined for place, _ in kept
        ):
            yield encode({name: values[place] for place, name in kept})
            continue
        raw = moment.view.record(record_id_of(entry))
        if raw is None:
            continue
        if counts is not None:
            counts.docs += 1
        document = projection.apply(decode(raw))
        yield encode({name: document[name] for _, name in kept if name in document})
    if counts is not None:
        counts.is_ended = True
