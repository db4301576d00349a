"""$bucketAuto: so many groups of about the same size, by where a value falls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import DOCUMENTS, in_order_within
from amongo.aggregate.stages.bucket import parse_output
from amongo.aggregate.stages.granularity import Granularity, granularity
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as pipeline_errors
from amongo.errors import stages as errors
from amongo.mql.accumulators import Accumulation
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.metadata import metadata_field
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_int, is_nan, to_double
from amongo.values.order import Collator, compare
from amongo.values.types import alias, is_number

_COUNTED: Final = {"count": {"$sum": 1}}

_VALUE: Final = metadata_field("value")
"""Under this name a document carries the value that it is grouped by while it is sorted."""

Valued = tuple[Any, Document]
"""The value that a document is grouped by, and the document."""


@dataclass(frozen=True, slots=True)
class BucketAuto(Stage):
    """Sort by the value, then cut into pieces of one size; equal values stay together.

    count     how many buckets there are, at most
    rounded   the series that boundaries belong to, or None
    """

    value: Expression
    count: int
    fields: tuple[tuple[str, Accumulation], ...]
    rounded: Granularity | None
    collator: Collator | None

    def bind(self) -> Run:
        key_of, collator, rounded = self.value.bind(), self.collator, self.rounded
        arguments = [accumulation.bind() for _, accumulation in self.fields]

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables = environment.variables
            count = 0

            def keyed() -> Iterator[tuple[bytes, Document]]:
                nonlocal count
                for document in environment.interrupt.watch(documents):
                    key = key_of(document, variables)
                    if rounded is not None:
                        _check_number(key)
                    if key is MISSING:
                        key = None
                    count += 1
                    yield key_bytes(key, collator), {**document, _VALUE: key}

            ordered = in_order_within(keyed(), environment, "$bucketAuto", DOCUMENTS)
            pairs = ((document.pop(_VALUE), document) for document in ordered)
            first = next(pairs, None)  # by now all documents have been counted
            size = max(1, math.floor(count / self.count + 0.5))
            yield from self._buckets(first, pairs, size, arguments, environment)

        return run

    def _buckets(
        self,
        following: Valued | None,
        pairs: Iterator[Valued],
        size: int,
        arguments: list[Evaluate],
        environment: Environment,
    ) -> Iterator[Document]:
        """The buckets of the pairs, which come in order.

        following   the first pair; None if there is none
        size        how many documents a bucket has before equal values and rounding are seen to
        arguments   those of the accumulators
        errors      MEMORY_EXCEEDED; BUCKET_AUTO_MEMORY where it would not help to use the disk
        """
        names = [name for name, _ in self.fields]
        accumulations = [accumulation for _, accumulation in self.fields]
        variables, rounded = environment.variables, self.rounded
        number, last_boundary = 0, MISSING
        too_large = pipeline_errors.MEMORY_EXCEEDED if environment.temporary is None else errors.BUCKET_AUTO_MEMORY
        while following is not None:
            number += 1
            bound = MemoryBound("$bucketAuto", environment.held_bytes, too_large)
            states = [accumulation.create({}, variables) for accumulation in accumulations]
            lowest, taken = following[0], 0
            highest = lowest
            if rounded is not None:
                lowest = rounded.down(lowest) if last_boundary is MISSING else last_boundary
            boundary: Any = MISSING
            while following is not None:
                if taken >= size and number < self.count:
                    if boundary is MISSING:
                        boundary = highest if rounded is None else rounded.up(highest)
                    if not self._belongs(following[0], boundary):
                        break
                highest, taken = following[0], taken + 1
                for accumulation, argument, state in zip(accumulations, arguments, states, strict=True):
                    added = argument(following[1], variables)
                    state.add(added)
                    if accumulation.grows:
                        bound.add(added)
                following = next(pairs, None)
            if rounded is not None:
                highest = rounded.up(highest) if boundary is MISSING else boundary
                if following is not None and to_double(highest) == 0:
                    highest = rounded.down(following[0])  # only zeros so far: the next bucket begins at the series
            elif following is not None:
                highest = following[0]
            last_boundary = highest
            results = ((name, state.result()) for name, state in zip(names, states, strict=True))
            folds = {name: None if value is MISSING else value for name, value in results}
            yield {"_id": {"min": lowest, "max": highest}, **folds}

    def _belongs(self, value: Any, boundary: Any) -> bool:
        """Whether a value past the size of a bucket still goes into it: an equal one, or one that rounding takes in."""
        order = compare(value, boundary, self.collator)
        return order == 0 if self.rounded is None else order < 0


def _check_number(key: Any) -> None:
    """Refuse what cannot be rounded.

    errors   GRANULARITY_NOT_NUMERIC, GRANULARITY_NAN, GRANULARITY_NEGATIVE
    """
    if not is_number(key):
        raise errors.GRANULARITY_NOT_NUMERIC(kind=alias(key))
    if is_nan(key):
        raise errors.GRANULARITY_NAN()
    if to_double(key) < 0:
        raise errors.GRANULARITY_NEGATIVE()


@stage("$bucketAuto")
def parse_bucket_auto(spec: Any, surroundings: Surroundings) -> BucketAuto:
    """So many groups of about the same size, by where a value falls.

    spec     {groupBy: expression, buckets: int, output: {name: {$accumulator: argument}}, granularity: series}; the
             output is {count: {$sum: 1}} when not given
    result   one document a bucket, ascending: `_id` {min: its lowest value, max: the lowest of the next one, or the
             highest value of the last}, then the folds; a missing value is null; equal values share a bucket, so
             there may be fewer. With a granularity the bounds are numbers of that series
    errors   the BUCKET_AUTO_ and GRANULARITY_ conditions, UNKNOWN_GRANULARITY, those of `parse_accumulation`,
             MEMORY_EXCEEDED, BUCKET_AUTO_MEMORY, SPILL_TOO_LARGE, SPILL_DISK_FULL
    source   manual, $bucketAuto
    """
    if type(spec) is not dict:
        raise errors.BUCKET_AUTO_NOT_OBJECT(kind=alias(spec))
    value: Expression | None = None
    count: int | None = None
    output: Document = _COUNTED
    rounded: Granularity | None = None
    for field, given in spec.items():
        if field == "groupBy":
            value = _parse_group_by(given, surroundings)
        elif field == "buckets":
            count = _parse_count(given)
        elif field == "output":
            if type(given) is not dict:
                raise errors.BUCKET_AUTO_OUTPUT_TYPE(kind=alias(given))
            output = given or _COUNTED
        elif field == "granularity":
            if type(given) is not str:
                raise errors.GRANULARITY_TYPE(kind=alias(given))
            rounded = granularity(given)
            if rounded is None:
                raise errors.UNKNOWN_GRANULARITY(name=given)
        else:
            raise errors.BUCKET_AUTO_UNKNOWN_FIELD(field=field)
    if value is None or count is None:
        raise errors.BUCKET_AUTO_INCOMPLETE()
    fields = tuple(parse_output(output, surroundings))
    return BucketAuto(value, count, fields, rounded, surroundings.scope.collator)


def _parse_group_by(given: Any, surroundings: Surroundings) -> Expression:
    is_operator = type(given) is dict and next(iter(given), "").startswith("$")
    if not (is_operator or (type(given) is str and given.startswith("$"))):
        raise errors.BUCKET_AUTO_GROUP_BY(value=given)
    return surroundings.parse(given)


def _parse_count(given: Any) -> int:
    """A positive int.

    errors   BUCKET_AUTO_COUNT_TYPE, BUCKET_AUTO_COUNT_NOT_INT, BUCKET_AUTO_COUNT_NOT_POSITIVE
    """
    if not is_number(given):
        raise errors.BUCKET_AUTO_COUNT_TYPE(kind=alias(given))
    count = exact_int(given)
    if count is None:
        raise errors.BUCKET_AUTO_COUNT_NOT_INT(value=given)
    if count <= 0:
        raise errors.BUCKET_AUTO_COUNT_NOT_POSITIVE(value=given)
    return count
