"""$bucket: groups by where a value falls between boundaries."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bson import Code, MaxKey, MinKey

from amongo.aggregate.environment import Document
from amongo.aggregate.stages.group import Group
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Stage, Surroundings
from amongo.errors import expression as expression_errors
from amongo.errors import pipeline as errors
from amongo.mql.accumulators import Accumulation, parse_accumulation
from amongo.mql.expressions import Evaluate, Expression, Literal
from amongo.mql.sort_keys import parse_sort
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator, canonical_class
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class BucketOf(Expression):
    """The lower boundary of the bucket that a value falls into, or the default (MISSING: there is none)."""

    value: Expression
    boundaries: tuple[Any, ...]
    default: Any
    collator: Collator | None

    def children(self) -> Iterator[Expression]:
        return iter((self.value,))

    def fold(self) -> Expression:
        return BucketOf(self.value.fold(), self.boundaries, self.default, self.collator)

    def compile(self) -> Evaluate:
        evaluate, boundaries, default, collator = self.value.compile(), self.boundaries, self.default, self.collator
        keys = [key_bytes(boundary, collator) for boundary in boundaries]

        def place(document: Document, variables: Any) -> Any:
            position = bisect_right(keys, key_bytes(evaluate(document, variables), collator)) - 1
            if 0 <= position < len(keys) - 1:
                return boundaries[position]
            if default is MISSING:
                raise expression_errors.SWITCH_NO_BRANCH()
            return default

        return place


@stage("$bucket")
def parse_bucket(spec: Any, surroundings: Surroundings) -> Stage:
    """Groups by where a value falls between boundaries.

    spec     {groupBy: expression, boundaries: [constants, ascending, one type], default: constant,
             output: {name: {$accumulator: argument}}}; the output is {count: {$sum: 1}} when not given
    result   one document a bucket that is not empty, in the order of `_id`: its lower boundary, which belongs to it
    errors   the BUCKET_ conditions; SWITCH_NO_BRANCH for a value outside all buckets without a default
    source   manual, $bucket
    """
    if type(spec) is not dict:
        raise errors.BUCKET_NOT_OBJECT(kind=alias(spec))
    value: Expression | None = None
    boundaries: tuple[Any, ...] | None = None
    default: Any = MISSING
    output: Document = {"count": {"$sum": 1}}
    for field, given in spec.items():
        if field == "groupBy":
            value = _parse_group_by(given, surroundings)
        elif field == "boundaries":
            boundaries = _parse_boundaries(given, surroundings)
        elif field == "default":
            default = _as_default(_constant(given, surroundings, errors.BUCKET_DEFAULT_NOT_CONSTANT))
        elif field == "output":
            if type(given) is not dict:
                raise errors.BUCKET_OUTPUT_TYPE(kind=alias(given))
            output = given
        else:
            raise errors.BUCKET_UNKNOWN_FIELD(field=field)
    if value is None or boundaries is None:
        raise errors.BUCKET_INCOMPLETE()
    collator = surroundings.scope.collator
    if default is not MISSING:
        _check_default(default, boundaries, collator)
    fields = tuple(parse_output(output, surroundings))
    group = Group(BucketOf(value, boundaries, default, collator), fields, None)
    return Stacked((group, Sort({"_id": 1}, parse_sort({"_id": 1}), collator)))


def _parse_group_by(given: Any, surroundings: Surroundings) -> Expression:
    if not (type(given) is dict or (type(given) is str and given.startswith("$"))):
        raise errors.BUCKET_GROUP_BY(value=given)
    return surroundings.parse(given)


def _constant(given: Any, surroundings: Surroundings, failure: Any) -> Any:
    folded = surroundings.parse(given).fold()
    if not isinstance(folded, Literal):
        raise failure(value=given)
    return folded.value


def _as_default(value: Any) -> Any:
    """What comes out for a default: the server hands it on as text of its own language, and some types suffer."""
    if type(value) in (MinKey, MaxKey):
        return {"": value}
    return str(value) if type(value) is Code and value.scope is None else value


def _parse_boundaries(given: Any, surroundings: Surroundings) -> tuple[Any, ...]:
    """Constants of one type, ascending.

    errors   BUCKET_BOUNDARIES_TYPE, BUCKET_BOUNDARY_NOT_CONSTANT, BUCKET_TOO_FEW_BOUNDARIES,
             BUCKET_MIXED_BOUNDARIES, BUCKET_BOUNDARIES_ORDER
    """
    if type(given) is not list:
        raise errors.BUCKET_BOUNDARIES_TYPE(kind=alias(given))
    values = tuple(_constant(item, surroundings, errors.BUCKET_BOUNDARY_NOT_CONSTANT) for item in given)
    if len(values) < 2:
        raise errors.BUCKET_TOO_FEW_BOUNDARIES(count=len(values))
    collator = surroundings.scope.collator
    for index in range(1, len(values)):
        left, right = values[index - 1], values[index]
        if canonical_class(left) != canonical_class(right):
            raise errors.BUCKET_MIXED_BOUNDARIES(left=alias(left), right=alias(right))
        if key_bytes(left, collator) >= key_bytes(right, collator):
            raise errors.BUCKET_BOUNDARIES_ORDER(left=index - 1, right=index, left_value=left, right_value=right)
    return values


def _check_default(default: Any, boundaries: tuple[Any, ...], collator: Collator | None) -> None:
    lowest, highest = key_bytes(boundaries[0], collator), key_bytes(boundaries[-1], collator)
    if lowest <= key_bytes(default, collator) < highest:
        raise errors.BUCKET_DEFAULT_IN_RANGE()


def parse_output(output: Document, surroundings: Surroundings) -> Iterator[tuple[str, Accumulation]]:
    """The accumulators of `output`, by name; of $bucketAuto too.

    errors   GROUP_ID_TWICE, those of `parse_accumulation`
    """
    for name, given in output.items():
        if name == "_id":
            raise errors.GROUP_ID_TWICE()
        yield name, parse_accumulation(name, given, surroundings.scope)
