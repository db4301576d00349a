"""The order of rows that several were made of one: in one column, wherever it can be told that the numbers fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from amongo.aggregate.relational.frame import Frame, Key
from amongo.aggregate.relational.lowering import Lowering
from amongo.aggregate.relational.sql import Sql, column, integer, sql

_MOST: Final = 2**62


def ordered_within(frame: Frame, lowering: Lowering, by: Sql, bound: int) -> Frame:
    """The rows in the order they had, and within one of the rows before by a number.

    by      BIGINT, never NULL, from 0
    bound   it is less
    """
    *keys, last = frame.order
    known = lowering.bounds.get(last.by.text)
    name = lowering.fresh("at")
    if known is None or last.is_descending or known * bound >= _MOST:
        return replace(
            frame, relation=frame.relation.with_columns([(name, by)]), order=(*frame.order, Key(column(name)))
        )
    lowering.bounds[name] = known * bound
    number = sql("({} * {} + {})", last.by, integer(bound), by)
    relation = frame.relation.with_columns([(name, number)])
    return replace(frame, relation=relation, order=(*keys, Key(column(name))))
