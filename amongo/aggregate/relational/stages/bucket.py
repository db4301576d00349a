"""$bucket: the group by boundaries that it stands for."""

from __future__ import annotations

from typing import Final

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.comparing import less
from amongo.aggregate.relational.registry import lowers_node
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import Sql, case, integer, sql
from amongo.aggregate.relational.sums import whole_range
from amongo.aggregate.relational.values import NotLowered, Value, literal
from amongo.aggregate.stages.bucket import BucketOf
from amongo.values.missing import MISSING
from amongo.values.types import BsonType

DEFAULT: Final = -1
"""The number of the bucket of values outside all others."""


def bucket_number(node: BucketOf, scope: Scope) -> Sql:
    """The number of the bucket that a value falls into, DEFAULT for none.

    errors   NotLowered where a value may fall into none and there is no default: that is an error
    """
    value = scope.value(node.value)
    value = value if value.is_constant else scope.kept(value)
    if node.collator is not None:
        raise NotLowered("$bucket under a collation")
    limits = [less(value, literal(boundary), scope) for boundary in node.boundaries]
    outside = [] if _is_inside(value, node) else [(limits[0], integer(DEFAULT))]
    if outside and node.default is MISSING:
        raise NotLowered("a value may fall into no bucket, and there is no default")
    inside = [(limit, integer(number)) for number, limit in enumerate(limits[1:])]
    return case([*outside, *inside], integer(DEFAULT))


def bucket_value(number: Sql, node: BucketOf) -> Value:
    """The lower boundary of the bucket of a number, or the default."""
    *rest, last = (literal(boundary) for boundary in node.boundaries[:-1])
    branches = [(sql("({} = {})", number, integer(at)), boundary) for at, boundary in enumerate(rest)]
    if node.default is MISSING:
        return either(branches, last)
    return either([*branches, (sql("({} = {})", number, integer(len(rest))), last)], literal(node.default))


@lowers_node(BucketOf)
def lower_bucket(node: BucketOf, scope: Scope) -> Value:
    """The lower boundary of the bucket that a value falls into."""
    return bucket_value(scope.kept_condition(bucket_number(node, scope)), node)


def _is_inside(value: Value, node: BucketOf) -> bool:
    """Whether every value is known to be inside the boundaries."""
    first, last = node.boundaries[0], node.boundaries[-1]
    if value.only(BsonType.INT, BsonType.LONG) and isinstance(first, int) and isinstance(last, int):
        least, most = whole_range(value)
        return first <= least and most < last
    facts = value.facts
    if not value.only(BsonType.DOUBLE, BsonType.INT, BsonType.LONG) or facts.has_nan or facts.has_infinity:
        return False
    if facts.low is None or facts.high is None or not all(isinstance(each, int | float) for each in (first, last)):
        return False
    whole = whole_range(value) if value.kinds & {BsonType.INT, BsonType.LONG} else ()
    return bool(first <= min([facts.low, *whole]) and max([facts.high, *whole]) < last)
