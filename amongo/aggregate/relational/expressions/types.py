"""$type and $isNumber: what the tags say; $binarySize: how long a string is."""

from __future__ import annotations

from amongo.aggregate.relational.registry import lowers_call
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import case, parameter, sql
from amongo.aggregate.relational.values import (
    NULL_VALUE,
    NULLISH,
    NUMBERS,
    NotLowered,
    Value,
    boolean,
    literal,
    of_kind,
    or_null,
)
from amongo.engine.columns import STRING
from amongo.values.types import BsonType


@lowers_call("$type")
def lower_type(arguments: list[Value], scope: Scope) -> Value:
    """The name of a type."""
    (value,) = arguments
    kinds = sorted(value.kinds)
    if len(kinds) == 1:
        return literal(BsonType(kinds[0]).alias)
    names = [BsonType(kind).alias for kind in kinds]
    branches = [(value.is_kind(kind), parameter(name, "VARCHAR")) for kind, name in zip(kinds, names, strict=True)]
    found = case(branches[:-1], branches[-1][1])
    return of_kind(BsonType.STRING, found, string_bytes=max(map(len, names)))


@lowers_call("$isNumber")
def lower_is_number(arguments: list[Value], scope: Scope) -> Value:
    """Whether it is an int, a long, a double or a decimal."""
    return boolean(arguments[0].is_kind(*NUMBERS, BsonType.DECIMAL))


@lowers_call("$binarySize")
def lower_binary_size(arguments: list[Value], scope: Scope) -> Value:
    """How many bytes a string has; binary data is left to the interpreter."""
    (value,) = arguments
    if value.kinds <= NULLISH:
        return NULL_VALUE
    if not value.kinds <= NULLISH | {BsonType.STRING}:
        raise NotLowered("$binarySize of what may be no string")
    build = or_null if value.kinds & NULLISH else of_kind
    size = sql("strlen({})", value.slots[STRING])
    return build(int(BsonType.INT), size, least=0, most=value.facts.string_bytes)
