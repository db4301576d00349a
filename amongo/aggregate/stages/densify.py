"""$densify: documents for the values that are left out in a series of numbers or dates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.options import ANY, NUMBER, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.sort import Sort
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.aggregate.stages.unwind import with_value
from amongo.errors import command as command_errors
from amongo.errors import date as date_errors
from amongo.errors import window as errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.expressions.arithmetic import add, remainder, subtract
from amongo.mql.expressions.date.moving import shift_millis
from amongo.mql.expressions.date.units import MONTHS, UNITS
from amongo.mql.expressions.date.zones import UTC_ZONE
from amongo.mql.expressions.truth import is_nullish
from amongo.mql.sort_keys import parse_sort
from amongo.runtime.limits import BLOCKING_STAGE_BYTES, DENSIFY_COUNT
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import LONG_MAX, LONG_MIN, exact_integer
from amongo.values.order import Collator, compare
from amongo.values.paths import FieldPath, field_path, get
from amongo.values.types import alias, is_number

FULL: Final = "full"
PARTITION: Final = "partition"


@dataclass(frozen=True, slots=True)
class Range:
    """Which values there should be.

    step     the distance of two neighbours
    unit     of time for a series of dates, else None
    bounds   FULL, PARTITION, or (the first, the end, which is left out)
    """

    step: Any
    unit: str | None
    bounds: Any

    def after(self, value: Any, count: int = 1) -> Any:
        """The value so many steps on.

        errors   ADD_RESULT_RANGE of `amongo.errors.date`, those of $add and $subtract
        """
        if self.unit is None:
            return add([value, self.step]) if count > 0 else subtract(value, self.step)
        steps = exact_integer(self.step)
        assert steps is not None
        moved = shift_millis(int(value), self.unit, count * steps, UTC_ZONE)
        if not LONG_MIN <= moved <= LONG_MAX:
            raise date_errors.ADD_RESULT_RANGE(name="$dateAdd")
        return DatetimeMS(moved)

    def reaches(self, value: Any, base: Any) -> bool:
        """Whether whole steps lead from a base to a value."""
        if self.unit is None:
            return compare(remainder(subtract(value, base), self.step), 0) == 0
        if self.unit not in MONTHS:
            return (int(value) - int(base)) % (int(self.after(DatetimeMS(0)))) == 0
        while compare(base, value) < 0:
            base = self.after(base)
        return compare(base, value) == 0


@dataclass(frozen=True, slots=True)
class Densify(Stage):
    """The documents, ordered by the field (and before it by partition, unless the range is full), and more of them.

    partition   the fields that tell partitions apart, as a document; None for one partition
    """

    field: FieldPath
    range: Range
    partition: Expression | None
    collator: Collator | None

    def bind(self) -> Run:
        partition = self.partition.bind() if self.partition is not None else None

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            return _Series(self, partition, environment).densified(documents)

        return run


class _Series:
    """One run: how far each partition has come.

    _last     partition -> its last value that is on its step; None before the first within explicit bounds
    """

    def __init__(self, stage: Densify, partition: Evaluate | None, environment: Environment) -> None:
        self._field = stage.field
        self._range = stage.range
        self._partition = partition
        self._collator = stage.collator
        self._environment = environment
        self._memory = MemoryBound(
            "$densify", min(environment.memory_bytes, BLOCKING_STAGE_BYTES), errors.DENSIFY_MEMORY
        )  # partitions never spill
        self._fields: dict[bytes, Document] = {}
        self._last: dict[bytes, Any] = {}
        self._smallest: Any = MISSING
        self._largest: Any = MISSING
        self._current = b""
        self._count = 0

    def densified(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents with those between them.

        errors   DENSIFY_VALUE_TYPE, DENSIFY_VALUE_NUMBER, DENSIFY_VALUE_DATE, DENSIFY_IN_ARRAY, DENSIFY_OVERWRITES,
                 DENSIFY_TOO_MANY, DENSIFY_MEMORY, those of $sort
        """
        for document in self._environment.interrupt.watch(documents):
            value = get(document, self._field)
            if not is_nullish(value):
                self._check(value)
                yield from self._before(self._part_of(document), value)
            yield document
        yield from self._behind()

    def _check(self, value: Any) -> None:
        if not is_number(value) and type(value) is not DatetimeMS:
            raise errors.DENSIFY_VALUE_TYPE()
        if self._range.unit is not None and is_number(value):
            raise errors.DENSIFY_VALUE_NUMBER()
        if self._range.unit is None and not is_number(value):
            raise errors.DENSIFY_VALUE_DATE()

    def _part_of(self, document: Document) -> bytes:
        """The key of a document's partition, which is made known."""
        fields = {} if self._partition is None else self._partition(document, self._environment.variables)
        part = key_bytes(fields, self._collator)
        if part not in self._fields:
            self._memory.add(fields)
            self._fields[part] = fields
        return part

    def _before(self, part: bytes, value: Any) -> Iterator[Document]:
        """The documents that are missing before one with a value; the partition comes as far as that value."""
        bounds, end, self._current = self._range.bounds, value, part
        if bounds is FULL:
            self._smallest = value if self._smallest is MISSING else self._smallest
            self._largest = value
        elif bounds is not PARTITION:
            low, high = bounds
            self._last.setdefault(part, None)
            if compare(value, low) < 0:
                return
            end = value if compare(value, high) < 0 else high
        if self._last.get(part) is None and (bounds is PARTITION or (bounds is FULL and value is self._smallest)):
            self._last[part] = value
            return
        yield from self._generated(part, end)
        if compare(self._next(part), value) == 0:
            self._last[part] = value

    def _next(self, part: bytes) -> Any:
        """The value that a partition is to have next."""
        last = self._last.get(part)
        if last is None:
            first = self._smallest if self._range.bounds is FULL else self._range.bounds[0]
            last = self._range.after(first, -1)  # there and back, as the server does: it shows at the ends of months
        return self._range.after(last)

    def _generated(self, part: bytes, end: Any) -> Iterator[Document]:
        """Documents from a partition's next value to before the end."""
        value = self._next(part)
        while compare(value, end) < 0:
            yield self._document(part, value)
            self._last[part] = value
            value = self._range.after(value)

    def _behind(self) -> Iterator[Document]:
        """The documents that are missing behind the last one, partition by partition."""
        bounds = self._range.bounds
        if bounds is PARTITION or (bounds is FULL and self._partition is None):
            return
        if bounds is FULL:
            if self._largest is MISSING:
                return
            end = self._largest
            if self._range.reaches(end, self._last[self._current]):
                end = self._range.after(end)
        elif self._fields or self._partition is not None:
            end = bounds[1]
        else:
            yield from self._from_nothing(*bounds)
            return
        for part in self._fields:
            yield from self._generated(part, end)

    def _from_nothing(self, low: Any, high: Any) -> Iterator[Document]:
        """Explicit bounds without a document: all values, and one even for empty bounds."""
        value = low
        yield self._document(b"", value)
        while compare(value := self._range.after(value), high) < 0:
            yield self._document(b"", value)

    def _document(self, part: bytes, value: Any) -> Document:
        if self._count > DENSIFY_COUNT:
            raise errors.DENSIFY_TOO_MANY(count=self._count, limit=DENSIFY_COUNT)
        if not self._count % 64:
            self._environment.interrupt.check()
        self._count += 1
        fields = self._fields.get(part, {})
        self._check_way(fields)
        return with_value(fields, self._field.parts, value)

    def _check_way(self, fields: Any) -> None:
        """Refuse to write through what the partition's fields hold.

        errors   DENSIFY_IN_ARRAY, DENSIFY_OVERWRITES
        """
        for place, name in enumerate(self._field.parts, 1):
            fields = fields.get(name, MISSING)
            if type(fields) is list:
                raise errors.DENSIFY_IN_ARRAY()
            if type(fields) is not dict:
                if fields is not MISSING and place < len(self._field.parts):
                    raise errors.DENSIFY_OVERWRITES()
                return


@stage("$densify")
def parse_densify(spec: Any, surroundings: Surroundings) -> Stage:
    """Documents for the values that are left out in a series of numbers or dates.

    spec     {field: path, partitionByFields: [path, …], range: {step: number above zero, unit: name for dates,
             bounds: "full" | "partition" | [first, end]}}
    result   all documents, ordered by the field, and between them documents with nothing but the field and those of
             the partition; null and missing pass through
    errors   the DENSIFY_ conditions of `amongo.errors.window`, UNKNOWN_FIELD, MISSING_FIELD, WRONG_TYPE, path errors
    order    of what is made behind the last document: partitions as their first documents came
    source   manual, $densify
    """
    if type(spec) is not dict:
        raise errors.DENSIFY_NOT_OBJECT(kind=alias(spec))
    options = parse_options("$densify", spec, {"field": "string", "partitionByFields": "array", "range": "object"})
    paths = options.get("partitionByFields", [])
    for place, path in enumerate(paths):
        if type(path) is not str:
            raise command_errors.WRONG_TYPE(
                command="$densify", field=f"partitionByFields.{place}", actual=alias(path), expected="type 'string'"
            )
    for name in ("field", "range"):
        if name not in spec:
            raise command_errors.MISSING_FIELD(command="$densify", field=name)
    wanted = _parse_range(options.get("range", {}))
    name = options.get("field", "")
    for path in paths:
        if path.startswith(name):
            raise errors.DENSIFY_PARTITION_IN_FIELD(partition=path, field=name)
        if name.startswith(path):
            raise errors.DENSIFY_FIELD_IN_PARTITION(partition=path, field=name)
        field_path(path)
    field = field_path(name)
    if wanted.bounds is PARTITION and not paths:
        raise errors.DENSIFY_PARTITION_WITHOUT_FIELDS()
    order = dict.fromkeys([*(paths if wanted.bounds is not FULL else ()), name], 1)
    collator = surroundings.scope.collator
    densify = Densify(field, wanted, _partition_of(paths, surroundings), collator)
    return Stacked((Sort(order, parse_sort(order, is_stage=True), collator), densify))


def _partition_of(paths: list[str], surroundings: Surroundings) -> Expression | None:
    """The document of the partition's fields."""
    spec: Document = {}
    for path in paths:
        spec = with_value(spec, field_path(path).parts, f"${path}")
    return surroundings.parse(spec) if paths else None


def _parse_range(spec: Document) -> Range:
    """Parse the range.

    errors   DENSIFY_STEP, DENSIFY_STEP_WHOLE, UNKNOWN_UNIT, those of `_parse_bounds`, UNKNOWN_FIELD, MISSING_FIELD,
             WRONG_TYPE
    """
    options = parse_options("$densify.range", spec, {"step": NUMBER, "unit": "string", "bounds": ANY})
    for name in ("step", "bounds"):
        if name not in spec:
            raise command_errors.MISSING_FIELD(command="$densify.range", field=name)
    step, unit = options.get("step"), options.get("unit")
    if not is_number(step) or compare(step, 0) <= 0:
        raise errors.DENSIFY_STEP()
    if unit is not None:
        if exact_integer(step) is None:
            raise errors.DENSIFY_STEP_WHOLE()
        if unit not in UNITS:
            raise date_errors.UNKNOWN_UNIT(unit=unit)
    return Range(step, unit, _parse_bounds(options["bounds"], step, unit))


def _parse_bounds(bounds: Any, step: Any, unit: str | None) -> Any:
    """FULL, PARTITION or a pair.

    errors   DENSIFY_BOUNDS_WORD, DENSIFY_BOUNDS_TYPE, DENSIFY_BOUNDS_COUNT, DENSIFY_BOUNDS_ORDER,
             DENSIFY_NUMBERS_WITH_UNIT, DENSIFY_BOUNDS_NOT_NUMBERS, DENSIFY_TYPES_DIFFER, DENSIFY_BOUNDS_NOT_DATES,
             DENSIFY_DATES_WITHOUT_UNIT, DENSIFY_BOUNDS_OTHER
    """
    if type(bounds) is str:
        for word in (FULL, PARTITION):
            if bounds == word:
                return word
        raise errors.DENSIFY_BOUNDS_WORD()
    if type(bounds) is not list:
        raise errors.DENSIFY_BOUNDS_TYPE()
    if len(bounds) != 2:
        raise errors.DENSIFY_BOUNDS_COUNT()
    low, high = bounds
    if compare(low, high) > 0:
        raise errors.DENSIFY_BOUNDS_ORDER()
    if is_number(low):
        if unit is not None:
            raise errors.DENSIFY_NUMBERS_WITH_UNIT()
        if not is_number(high):
            raise errors.DENSIFY_BOUNDS_NOT_NUMBERS()
        if not type(low) is type(high) is type(step):
            raise errors.DENSIFY_TYPES_DIFFER()
    elif type(low) is DatetimeMS:
        if type(high) is not DatetimeMS:
            raise errors.DENSIFY_BOUNDS_NOT_DATES()
        if unit is None:
            raise errors.DENSIFY_DATES_WITHOUT_UNIT()
    else:
        raise errors.DENSIFY_BOUNDS_OTHER()
    return low, high
