"""`$exists`, `$type`, `$size`."""

from __future__ import annotations

from amongo.aggregate.relational.listing import elements_of, length_of
from amongo.aggregate.relational.matching.values import tests
from amongo.aggregate.relational.reading import Reading
from amongo.aggregate.relational.registry import reads
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import FALSE, Sql, all_of, integer, sql
from amongo.aggregate.relational.values import Value
from amongo.engine.columns import EACH
from amongo.mql.matcher.arrays import Size
from amongo.mql.matcher.element import Exists, OfType
from amongo.values.types import BsonType


@tests("$exists")
def exists(expression: Exists, value: Value, scope: Scope) -> Sql:
    """There is a value, be it null."""
    return value.is_kind(*value.kinds - {BsonType.MISSING})


@tests("$type")
def of_type(expression: OfType, value: Value, scope: Scope) -> Sql:
    """The value is of one of some types."""
    return value.is_kind(*expression.operand)


@tests("$size")
def size(expression: Size, value: Value, scope: Scope) -> Sql:
    """The array has so many elements."""
    if BsonType.ARRAY not in value.kinds:
        return FALSE
    length = length_of(elements_of(value))
    return all_of([value.is_kind(BsonType.ARRAY), sql("COALESCE({} = {}, FALSE)", length, integer(expression.operand))])


@reads(Size)
def read_size(expression: Size, reading: Reading) -> None:
    """The path, and the elements there."""
    path = tuple(expression.path.split("."))
    reading.path(path)
    reading.path((*path, EACH))
