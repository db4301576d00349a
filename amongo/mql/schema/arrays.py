"""Keywords for arrays: `minItems`, `maxItems`, `uniqueItems`, `items` with `additionalItems`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from bson.int64 import Int64

from amongo.errors import schema as errors
from amongo.mql.schema.parse import parse_schema
from amongo.mql.schema.registry import KeywordClause, keyword
from amongo.mql.schema.rule import Details, Report, Restriction, Rule, Schema, Test
from amongo.mql.schema.sameness import sameness_key
from amongo.mql.schema.scalars import length
from amongo.values.missing import MISSING
from amongo.values.types import alias

ARRAYS: Final = frozenset({list})
_LENGTH: Final = "array did not match specified length"


@keyword("minItems")
def min_items(clause: KeywordClause) -> Rule:
    """An array has at least so many elements. operand: a length. errors: NOT_A_LENGTH. source: manual, $jsonSchema."""
    least = length(clause)
    return Restriction("minItems", ARRAYS, lambda value: len(value) >= least, clause.specified, _LENGTH, _counted)


@keyword("maxItems")
def max_items(clause: KeywordClause) -> Rule:
    """An array has at most so many elements. operand: a length. errors: NOT_A_LENGTH. source: manual, $jsonSchema."""
    most = length(clause)
    return Restriction("maxItems", ARRAYS, lambda value: len(value) <= most, clause.specified, _LENGTH, _counted)


def _counted(array: list[Any]) -> dict[str, Any]:
    return {"consideredValue": array, "numberOfItems": len(array)}


@keyword("uniqueItems")
def unique_items(clause: KeywordClause) -> Rule | None:
    """An array has no two elements that are the same, field order aside.

    operand   a boolean; false says nothing
    errors    NOT_A_BOOLEAN
    source    manual, $jsonSchema
    """
    if type(clause.operand) is not bool:
        raise errors.NOT_A_BOOLEAN(name="uniqueItems")
    if not clause.operand:
        return None
    return Restriction(
        "uniqueItems",
        ARRAYS,
        lambda value: _first_duplicate(value) is MISSING,
        clause.specified,
        "found a duplicate item",
        lambda array: {"consideredValue": array, "duplicatedValue": _first_duplicate(array)},
    )


def _first_duplicate(array: list[Any]) -> Any:
    """The first element that was there before; MISSING if there is none."""
    if {str}.issuperset(map(type, array)) and len(set(array)) == len(array):
        return MISSING
    seen: set[bytes] = set()
    for each in array:
        key = sameness_key(each)
        if key in seen:
            return each
        seen.add(key)
    return MISSING


@dataclass(frozen=True, slots=True)
class EachItem(Rule):
    """`items: {…}`, or `additionalItems: {…}` behind listed items: one schema for all elements from a position on."""

    schema: Schema
    start: int
    reason: str

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return (self.schema,)

    def bind(self) -> Test:
        test, start = self.schema.bind(), self.start

        def every(value: Any) -> bool:
            return type(value) is not list or all(map(test, value[start:] if start else value))

        return every

    def explain(self, value: Any, report: Report) -> Details:
        test = self.schema.bind()
        index, item = next((at, each) for at, each in enumerate(value) if at >= self.start and not test(each))
        details = self.schema.explain(item, report)
        head = {"operatorName": self.keyword, **self.schema.annotations, "reason": self.reason}
        return [{**head, "itemIndex": index, "details": details}]


@dataclass(frozen=True, slots=True)
class ItemByItem(Rule):
    """`items: […]`: the element at each position has a schema of its own."""

    schemas: tuple[Schema, ...]

    @property
    def subschemas(self) -> tuple[Schema, ...]:
        return self.schemas

    def bind(self) -> Test:
        tests = [schema.bind() for schema in self.schemas]

        def every(value: Any) -> bool:
            return type(value) is not list or all(test(each) for test, each in zip(tests, value, strict=False))

        return every

    def explain(self, value: Any, report: Report) -> Details:
        details = [
            {"itemIndex": Int64(index), "details": schema.explain(item, report)}
            for index, (schema, item) in enumerate(zip(self.schemas, value, strict=False))
            if not schema.bind()(item)
        ]
        return [{"operatorName": "items", "details": details}]


@keyword("items")
def items(clause: KeywordClause) -> Rule:
    """The elements of an array match a schema, each the same one or each that of its position.

    operand   a schema, or an array of schemas
    errors    ITEMS_KIND, ITEMS_ELEMENT, and those of the schemas
    source    manual, $jsonSchema
    """
    operand = clause.operand
    if type(operand) is dict:
        schema = parse_schema(operand, is_root=False)
        return EachItem("items", schema, 0, "At least one item did not match the sub-schema")
    if type(operand) is not list:
        raise errors.ITEMS_KIND(actual=alias(operand))
    schemas = []
    for each in operand:
        if type(each) is not dict:
            raise errors.ITEMS_ELEMENT(actual=alias(each))
        schemas.append(parse_schema(each, is_root=False))
    return ItemByItem("items", tuple(schemas))


@keyword("additionalItems")
def additional_items(clause: KeywordClause) -> Rule | None:
    """The elements behind those that `items: […]` names match a schema, or are not allowed.

    operand   a boolean or a schema; it says nothing without `items` beside it, or with a single schema there
    errors    NOT_OBJECT_OR_BOOLEAN, and those of the schema
    source    manual, $jsonSchema
    """
    operand = clause.operand
    if type(operand) not in (bool, dict):
        raise errors.NOT_OBJECT_OR_BOOLEAN(name="additionalItems", actual=alias(operand))
    schema = parse_schema(operand, is_root=False) if type(operand) is dict else None
    listed = clause.siblings.get("items")
    if type(listed) is not list or operand is True:
        return None
    start = len(listed)
    if schema is not None:
        return EachItem("additionalItems", schema, start, "At least one additional item did not match the sub-schema")
    return Restriction(
        "additionalItems",
        ARRAYS,
        lambda value: len(value) <= start,
        clause.specified,
        "found additional items",
        lambda array: {"additionalItems": array[start:]},
    )
