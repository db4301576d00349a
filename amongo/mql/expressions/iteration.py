"""Arrays with a variable for each element: $map, $filter, $reduce, $zip, $sortArray."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import Document, Evaluate, Expression, Literal, Variables
from amongo.mql.expressions.registry import form, parse_operand, read_fields
from amongo.mql.expressions.scope import Scope, check_write_name
from amongo.mql.expressions.truth import is_nullish, is_true
from amongo.mql.sort_keys import parse_sort
from amongo.runtime.interrupts import watch_present
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.missing import MISSING
from amongo.values.numbers import exact_integer
from amongo.values.order import Collator
from amongo.values.types import alias, is_number


def _element_name(fields: Document) -> str:
    name = fields.get("as", "this")
    if type(name) is not str:
        raise errors.VARIABLE_NAME_TYPE(kind=alias(name))
    check_write_name(name)
    return name


@dataclass(frozen=True, slots=True)
class Map(Expression):
    """The body for each element."""

    array: Expression
    name: str
    body: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.array, self.body))

    def fold(self) -> Expression:
        return Map(self.array.fold(), self.name, self.body.fold())

    def compile(self) -> Evaluate:
        array_of, name, body = self.array.compile(), self.name, self.body.compile()

        def run(document: Document, variables: Variables) -> Any:
            array = array_of(document, variables)
            if is_nullish(array):
                return None
            if type(array) is not list:
                raise errors.MAP_TAKES_ARRAY(kind=alias(array))
            inner = dict(variables)
            mapped = []
            for element in watch_present(array):
                inner[name] = element
                value = body(document, inner)
                mapped.append(None if value is MISSING else value)
            return mapped

        return run


@form("$map")
def parse_map(operand: Any, scope: Scope) -> Expression:
    """A value for each element.

    args     {input: array, as: name ("this" if not given), in: expression}
    result   array, null for missing values; null if the input is null or missing
    errors   MAP_NEEDS_OBJECT, MAP_UNKNOWN_FIELD, MAP_WITHOUT_INPUT, MAP_WITHOUT_IN, MAP_TAKES_ARRAY, name errors
    source   manual, $map
    """
    fields = read_fields(
        "$map",
        operand,
        {"input": errors.MAP_WITHOUT_INPUT, "in": errors.MAP_WITHOUT_IN},
        ("as",),
        errors.MAP_NEEDS_OBJECT,
        errors.MAP_UNKNOWN_FIELD,
    )
    array = parse_operand(fields["input"], scope)
    name = _element_name(fields)
    return Map(array, name, parse_operand(fields["in"], scope.with_names((name,))))


@dataclass(frozen=True, slots=True)
class Filter(Expression):
    """The elements for which the test is true, at most `limit` of them."""

    array: Expression
    name: str
    test: Expression
    limit: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.array, self.test, self.limit))

    def fold(self) -> Expression:
        return Filter(self.array.fold(), self.name, self.test.fold(), self.limit.fold())

    def compile(self) -> Evaluate:
        array_of, name, test, limit_of = self.array.compile(), self.name, self.test.compile(), self.limit.compile()

        def run(document: Document, variables: Variables) -> Any:
            array = array_of(document, variables)
            if is_nullish(array):
                return None
            if type(array) is not list:
                raise errors.FILTER_TAKES_ARRAY(kind=alias(array))
            limit = _filter_limit(limit_of(document, variables))
            inner = dict(variables)
            kept = []
            for element in watch_present(array):
                inner[name] = element
                if is_true(test(document, inner)):
                    kept.append(element)
                    if len(kept) == limit:
                        break
            return kept

        return run


def _filter_limit(value: Any) -> int | None:
    if is_nullish(value):
        return None
    limit = exact_integer(value)
    if limit is None or not -(2**31) <= limit < 2**31:
        raise errors.FILTER_LIMIT_WHOLE(value=value)
    if limit < 1:
        raise errors.FILTER_LIMIT_POSITIVE(value=value)
    return limit


@form("$filter")
def parse_filter(operand: Any, scope: Scope) -> Expression:
    """The elements that pass a test.

    args     {input: array, as: name ("this" if not given), cond: expression, limit: how many at most}
    result   array; null if the input is null or missing
    errors   FILTER_NEEDS_OBJECT, FILTER_UNKNOWN_FIELD, FILTER_WITHOUT_INPUT, FILTER_WITHOUT_COND,
             FILTER_TAKES_ARRAY, FILTER_LIMIT_WHOLE, FILTER_LIMIT_POSITIVE, name errors
    source   manual, $filter
    """
    fields = read_fields(
        "$filter",
        operand,
        {"input": errors.FILTER_WITHOUT_INPUT, "cond": errors.FILTER_WITHOUT_COND},
        ("as", "limit"),
        errors.FILTER_NEEDS_OBJECT,
        errors.FILTER_UNKNOWN_FIELD,
    )
    array = parse_operand(fields["input"], scope)
    name = _element_name(fields)
    limit = parse_operand(fields["limit"], scope) if "limit" in fields else Literal(None)
    return Filter(array, name, parse_operand(fields["cond"], scope.with_names((name,))), limit)


@dataclass(frozen=True, slots=True)
class Reduce(Expression):
    """The body over and over: `$$value` is what it gave last, `$$this` the element."""

    array: Expression
    initial: Expression
    body: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.array, self.initial, self.body))

    def fold(self) -> Expression:
        return Reduce(self.array.fold(), self.initial.fold(), self.body.fold())

    def compile(self) -> Evaluate:
        array_of, initial, body = self.array.compile(), self.initial.compile(), self.body.compile()

        def run(document: Document, variables: Variables) -> Any:
            array = array_of(document, variables)
            if is_nullish(array):
                return None
            if type(array) is not list:
                raise errors.REDUCE_TAKES_ARRAY(kind=alias(array))
            value = initial(document, variables)
            inner = dict(variables)
            for element in watch_present(array):
                inner["this"] = element
                inner["value"] = value
                value = body(document, inner)
            return value

        return run


@form("$reduce")
def parse_reduce(operand: Any, scope: Scope) -> Expression:
    """One value from all elements, left to right.

    args     {input: array, initialValue, in: expression over $$value and $$this}
    result   what `in` gave last, `initialValue` for an empty array; null if the input is null or missing
    errors   REDUCE_NEEDS_OBJECT, REDUCE_UNKNOWN_FIELD, REDUCE_WITHOUT_INPUT, REDUCE_WITHOUT_INITIAL_VALUE,
             REDUCE_WITHOUT_IN, REDUCE_TAKES_ARRAY
    source   manual, $reduce
    """
    fields = read_fields(
        "$reduce",
        operand,
        {
            "input": errors.REDUCE_WITHOUT_INPUT,
            "initialValue": errors.REDUCE_WITHOUT_INITIAL_VALUE,
            "in": errors.REDUCE_WITHOUT_IN,
        },
        (),
        errors.REDUCE_NEEDS_OBJECT,
        errors.REDUCE_UNKNOWN_FIELD,
    )
    return Reduce(
        parse_operand(fields["input"], scope),
        parse_operand(fields["initialValue"], scope),
        parse_operand(fields["in"], scope.with_names(("this", "value"))),
    )


@dataclass(frozen=True, slots=True)
class Zip(Expression):
    """Element by element through several arrays."""

    arrays: tuple[Expression, ...]
    defaults: tuple[Expression, ...]
    uses_longest: bool

    def children(self) -> Iterator[Expression]:
        return iter((*self.arrays, *self.defaults))

    def fold(self) -> Expression:
        arrays = tuple(array.fold() for array in self.arrays)
        return Zip(arrays, tuple(default.fold() for default in self.defaults), self.uses_longest)

    def compile(self) -> Evaluate:
        arrays_of = tuple(array.compile() for array in self.arrays)
        defaults_of = tuple(default.compile() for default in self.defaults)
        uses_longest = self.uses_longest

        def run(document: Document, variables: Variables) -> Any:
            arrays = []
            for evaluate in arrays_of:
                array = evaluate(document, variables)
                if is_nullish(array):
                    return None
                if type(array) is not list:
                    raise errors.ZIP_TAKES_ARRAYS(kind=alias(array))
                arrays.append(array)
            values = [evaluate(document, variables) for evaluate in defaults_of] or [None] * len(arrays)
            defaults = [None if value is MISSING else value for value in values]
            length = (max if uses_longest else min)(map(len, arrays))
            return [
                [array[at] if at < len(array) else default for array, default in zip(arrays, defaults, strict=True)]
                for at in range(length)
            ]

        return run


@form("$zip")
def parse_zip(operand: Any, scope: Scope) -> Expression:
    """Turn rows into columns.

    args     {inputs: arrays, useLongestLength: bool, defaults: one value for each input}
    result   array of arrays, as long as the shortest input (or the longest); null if an input is null or missing
    errors   ZIP_NEEDS_OBJECT, ZIP_INPUTS_ARRAY, ZIP_DEFAULTS_ARRAY, ZIP_LONGEST_BOOL, ZIP_UNKNOWN_FIELD,
             ZIP_WITHOUT_INPUTS, ZIP_DEFAULTS_UNUSED, ZIP_DEFAULTS_COUNT, ZIP_TAKES_ARRAYS
    source   manual, $zip
    """
    if type(operand) is not dict:
        raise errors.ZIP_NEEDS_OBJECT(kind=alias(operand))
    arrays: tuple[Expression, ...] = ()
    defaults: tuple[Expression, ...] = ()
    uses_longest = False
    for field, value in operand.items():
        if field == "inputs":
            if type(value) is not list:
                raise errors.ZIP_INPUTS_ARRAY(kind=alias(value))
            arrays = tuple(parse_operand(each, scope) for each in value)
        elif field == "defaults":
            if type(value) is not list:
                raise errors.ZIP_DEFAULTS_ARRAY(kind=alias(value))
            defaults = tuple(parse_operand(each, scope) for each in value)
        elif field == "useLongestLength":
            if type(value) is not bool:
                raise errors.ZIP_LONGEST_BOOL(kind=alias(value))
            uses_longest = value
        else:
            raise errors.ZIP_UNKNOWN_FIELD(field=field)
    if not arrays:
        raise errors.ZIP_WITHOUT_INPUTS()
    if defaults and not uses_longest:
        raise errors.ZIP_DEFAULTS_UNUSED()
    if defaults and len(defaults) != len(arrays):
        raise errors.ZIP_DEFAULTS_COUNT()
    return Zip(arrays, defaults, uses_longest)


@dataclass(frozen=True, slots=True)
class SortArray(Expression):
    """Elements by their sort key."""

    array: Expression
    order: Any
    collator: Collator | None

    def children(self) -> Iterator[Expression]:
        return iter((self.array,))

    def fold(self) -> Expression:
        return SortArray(self.array.fold(), self.order, self.collator)

    def compile(self) -> Evaluate:
        array_of, key = self.array.compile(), _element_key(self.order, self.collator)

        def run(document: Document, variables: Variables) -> Any:
            array = array_of(document, variables)
            if is_nullish(array):
                return None
            if type(array) is not list:
                raise errors.SORT_ARRAY_TAKES_ARRAY(kind=alias(array))
            return sorted(array, key=key)

        return run


def _element_key(order: Any, collator: Collator | None) -> Any:
    if type(order) is dict:
        pattern = parse_sort(order, is_stage=True)
        return lambda element: pattern.key(element if type(element) is dict else {}, collator)
    if order > 0:
        return lambda element: key_bytes(element, collator)
    return lambda element: descending(key_bytes(element, collator))


@form("$sortArray")
def parse_sort_array(operand: Any, scope: Scope) -> Expression:
    """The elements in order.

    args     {input: array, sortBy: 1, -1, or a sort pattern for elements that are documents}
    result   array; null if the input is null or missing
    errors   SORT_ARRAY_NEEDS_OBJECT, SORT_ARRAY_UNKNOWN_FIELD, SORT_ARRAY_WITHOUT_INPUT, SORT_ARRAY_WITHOUT_SORT_BY,
             SORT_ARRAY_DIRECTION, SORT_ARRAY_SORT_BY_TYPE, SORT_ARRAY_PATTERN, SORT_ARRAY_TAKES_ARRAY
    source   manual, $sortArray
    """
    fields = read_fields(
        "$sortArray",
        operand,
        {"input": errors.SORT_ARRAY_WITHOUT_INPUT, "sortBy": errors.SORT_ARRAY_WITHOUT_SORT_BY},
        (),
        errors.SORT_ARRAY_NEEDS_OBJECT,
        errors.SORT_ARRAY_UNKNOWN_FIELD,
    )
    order = fields["sortBy"]
    if type(order) is dict:
        if not order:
            raise errors.SORT_ARRAY_PATTERN()
        for direction in order.values():
            if type(direction) is not dict and exact_integer(direction) not in (1, -1):
                raise errors.SORT_ARRAY_PATTERN()
        parse_sort(order, is_stage=True)
    elif is_number(order):
        if exact_integer(order) not in (1, -1):
            raise errors.SORT_ARRAY_DIRECTION()
        order = exact_integer(order)
    else:
        raise errors.SORT_ARRAY_SORT_BY_TYPE()
    return SortArray(parse_operand(fields["input"], scope), order, scope.collator)
