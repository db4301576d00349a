"""Collections and results as Arrow tables, and SQL over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from amongo.aggregate.relational.execution import ColumnEngine, StatementFailed
from amongo.aggregate.relational.running import Moment, Source, plan_scan
from amongo.aggregate.relational.typed import typed_table
from amongo.engine.columns.names import field_names
from amongo.engine.columns.shredder import shred
from amongo.planner import CanonicalQuery
from amongo.runtime.interrupts import Interrupt

_ATTEMPTS: Final = 5  # times that names are looked for anew because documents have come meanwhile


def documents_table(documents: Iterable[bytes], interrupt: Interrupt) -> pa.Table:
    """Documents as a table: a column for each top-level field.

    documents   BSON
    """
    raws = list(interrupt.watch(documents))
    names = field_names(raws, interrupt)
    columns = shred(raws, [(name,) for name in names], interrupt)
    by_name = dict(zip(names, columns, strict=True))
    return typed_table(names, lambda name: (by_name[name],))


def collection_table(source: Source, interrupt: Interrupt) -> pa.Table:
    """All documents of a collection as a table, in natural order.

    errors   ColumnsRefused, StatementFailed
    """
    moment = Moment(source, interrupt)
    names: list[str] = []
    for _ in range(_ATTEMPTS):
        moment.columns_of([(name,) for name in names])
        assert moment.view is not None
        found = field_names(moment.view.documents(), interrupt)
        if found == names:
            return _table(moment, names)
        names = found
    raise StatementFailed("documents with other fields came all the time")


def found_table(
    query: CanonicalQuery,
    source: Source,
    names: Sequence[str] | None,
    variables: Mapping[str, Any],
    interrupt: Interrupt,
) -> pa.Table:
    """What a query finds, in its order, as a table.

    names    as of `collection_table`
    errors   NotLowered, ColumnsRefused, StatementFailed
    """
    fields: Sequence[str] = names or ()
    for _ in range(_ATTEMPTS):
        scan = plan_scan(query, source, variables, interrupt, also=[(name,) for name in fields])
        view = scan.moment.view
        assert view is not None
        found = fields if names is not None else field_names(view.documents(), interrupt)
        if found == fields:
            break
        fields = found
    else:
        raise StatementFailed("documents with other fields came all the time")
    ids = np.fromiter(scan.record_ids(interrupt), np.int64)
    columns = scan.moment.columns
    assert columns is not None
    every = np.concatenate([segment.record_ids for segment in columns.segments] or [np.zeros(0, np.int64)])
    return _table(scan.moment, fields).take(pa.array(np.searchsorted(every, ids)))


def _table(moment: Moment, names: Sequence[str]) -> pa.Table:
    columns = moment.columns
    assert columns is not None
    return typed_table(names, lambda name: [segment.columns[(name,)] for segment in columns.segments])


def with_names(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """A table with these columns, null where it has none of a name."""
    known = set(table.column_names)
    arrays = [table[name] if name in known else pa.nulls(table.num_rows) for name in names]
    fields = [table.field(name) if name in known else pa.field(name, pa.null()) for name in names]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def sql_table(
    engine: ColumnEngine, text: str, parameters: Any, tables: Mapping[str, pa.Table], interrupt: Interrupt
) -> pa.Table:
    """The rows of an SQL text.

    parameters   a sequence for `?` and `$1`, a mapping for `$name`
    tables       name -> what it reads under that name
    errors       StatementFailed; those of the interrupt
    """
    return engine.table(text, parameters, tables, interrupt)
