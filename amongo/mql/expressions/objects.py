"""Documents: merging, fields by name, and the way to arrays and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amongo.errors import Condition
from amongo.errors import expression as errors
from amongo.mql.expressions.nodes import (
    Call,
    Document,
    Evaluate,
    Expression,
    FieldPath,
    Literal,
    Operator,
    Variable,
    Variables,
)
from amongo.mql.expressions.registry import form, operator, parse_operand, read_fields
from amongo.mql.expressions.scope import Scope
from amongo.mql.expressions.truth import is_nullish
from amongo.values.missing import MISSING
from amongo.values.types import alias


@operator("$mergeObjects", arity=(0, None))
def merge(args: list[Any]) -> dict[str, Any]:
    """Lay documents over one another: later fields replace earlier ones, in place.

    args     any number of documents, or one array of documents; null and missing are left out
    result   document
    errors   MERGE_OBJECTS_TYPE
    source   manual, $mergeObjects
    """
    merged: dict[str, Any] = {}
    for arg in args[0] if len(args) == 1 and type(args[0]) is list else args:
        if type(arg) is dict:
            merged.update(arg)
        elif not is_nullish(arg):
            raise errors.MERGE_OBJECTS_TYPE(kind=alias(arg))
    return merged


@operator("$objectToArray", arity=1)
def object_to_array(value: Any) -> list[dict[str, Any]] | None:
    """The fields of a document as an array.

    args     a document
    result   array of {k: name, v: value}; null for null or missing
    errors   OBJECT_TO_ARRAY_TYPE
    source   manual, $objectToArray
    """
    if is_nullish(value):
        return None
    if type(value) is not dict:
        raise errors.OBJECT_TO_ARRAY_TYPE(kind=alias(value))
    return [{"k": name, "v": field} for name, field in value.items()]


@operator("$arrayToObject", arity=1)
def array_to_object(value: Any) -> dict[str, Any] | None:
    """A document from an array of fields.

    args     an array of {k, v} documents, or of [name, value] pairs, not both; a later field replaces an earlier one
    result   document; null for null or missing
    errors   ARRAY_TO_OBJECT_TYPE, PAIR_FORMS, PAIR_LENGTH, PAIR_NAME_TYPE, PAIR_NAME_NUL, FIELD_DOCUMENT_FORMS,
             FIELD_DOCUMENT_SIZE, FIELD_DOCUMENT_NAMES, FIELD_DOCUMENT_KEY_TYPE, FIELD_DOCUMENT_KEY_NUL,
             ARRAY_TO_OBJECT_ELEMENT
    source   manual, $arrayToObject
    """
    if is_nullish(value):
        return None
    if type(value) is not list:
        raise errors.ARRAY_TO_OBJECT_TYPE(kind=alias(value))
    if not value:
        return {}
    if type(value[0]) is list:
        return dict(_pair(element) for element in value)
    if type(value[0]) is dict:
        return dict(_field_document(element) for element in value)
    raise errors.ARRAY_TO_OBJECT_ELEMENT(kind=alias(value[0]))


def _pair(element: Any) -> tuple[str, Any]:
    if type(element) is not list:
        raise errors.PAIR_FORMS(kind=alias(element))
    if len(element) != 2:
        raise errors.PAIR_LENGTH(count=len(element))
    name, value = element
    if type(name) is not str:
        raise errors.PAIR_NAME_TYPE(kind=alias(name))
    if "\0" in name:
        raise errors.PAIR_NAME_NUL()
    return name, value


def _field_document(element: Any) -> tuple[str, Any]:
    if type(element) is not dict:
        raise errors.FIELD_DOCUMENT_FORMS(kind=alias(element))
    if len(element) != 2:
        raise errors.FIELD_DOCUMENT_SIZE(count=len(element))
    if "k" not in element or "v" not in element:
        raise errors.FIELD_DOCUMENT_NAMES()
    name = element["k"]
    if type(name) is not str:
        raise errors.FIELD_DOCUMENT_KEY_TYPE(kind=alias(name))
    if "\0" in name:
        raise errors.FIELD_DOCUMENT_KEY_NUL()
    return name, element["v"]


# Fields by name


@dataclass(frozen=True, slots=True)
class GetField(Expression):
    """The field of one name, which may hold dots and dollars."""

    field: Expression
    source: Expression

    def children(self) -> Iterator[Expression]:
        return iter((self.field, self.source))

    def fold(self) -> Expression:
        field, source = self.field.fold(), self.source.fold()
        if field.is_constant and source.is_constant:
            return Literal(GetField(field, source).compile()({}, {}))
        return GetField(field, source)

    def compile(self) -> Evaluate:
        field_of, source_of = self.field.compile(), self.source.compile()

        def read(document: Document, variables: Variables) -> Any:
            name = field_of(document, variables)
            if type(name) is not str:
                raise errors.GET_FIELD_NAME_TYPE(kind=alias(name))
            source = source_of(document, variables)
            if type(source) is dict:
                return source.get(name, MISSING)
            return None if is_nullish(source) and source is not MISSING else MISSING

        return read


@form("$getField")
def parse_get_field(operand: Any, scope: Scope) -> Expression:
    """A field by its name, which may hold dots and dollars.

    args     {field: name, input: document}, or the name alone for a field of $$CURRENT
    result   the value; missing if there is no such field or the input is no document; null for a null input
    errors   GET_FIELD_UNKNOWN_FIELD, GET_FIELD_WITHOUT_INPUT, GET_FIELD_WITHOUT_FIELD, GET_FIELD_NAME_TYPE
    source   manual, $getField
    """
    current: Expression = Variable("CURRENT") if scope.rebinds_current else Variable("ROOT")
    if type(operand) is not dict or next(iter(operand), "").startswith("$"):
        return GetField(_constant_name(parse_operand(operand, scope)), current)
    for field in operand:
        if field not in ("field", "input"):
            raise errors.GET_FIELD_UNKNOWN_FIELD(field=field)
    if "field" not in operand:
        raise errors.GET_FIELD_WITHOUT_FIELD()
    if "input" not in operand:
        raise errors.GET_FIELD_WITHOUT_INPUT()
    return GetField(_constant_name(parse_operand(operand["field"], scope)), parse_operand(operand["input"], scope))


def _constant_name(name: Expression) -> Expression:
    if isinstance(name, Literal) and type(name.value) is not str:
        raise errors.GET_FIELD_CONSTANT_TYPE(kind=alias(name.value))
    return name


def with_field(document: Any, name: str, value: Any) -> Any:
    """The document with a field set, or without it for MISSING.

    errors   SET_FIELD_INPUT_TYPE
    """
    if is_nullish(document):
        return None
    if type(document) is not dict:
        raise errors.SET_FIELD_INPUT_TYPE(kind=alias(document))
    if value is MISSING:
        return {field: kept for field, kept in document.items() if field != name}
    return {**document, name: value}


_set_field = Operator("$setField", with_field, False)


def _parse_set_field(name: str, operand: Any, scope: Scope, value: Expression | None) -> Expression:
    required: dict[str, Condition] = {"field": errors.SET_FIELD_WITHOUT_FIELD}
    if value is None:
        required["value"] = errors.SET_FIELD_WITHOUT_VALUE
    required["input"] = errors.SET_FIELD_WITHOUT_INPUT
    fields = read_fields(name, operand, required, (), errors.SET_FIELD_NEEDS_OBJECT, errors.SET_FIELD_UNKNOWN_FIELD)
    field, source = parse_operand(fields["field"], scope), parse_operand(fields["input"], scope)
    value = value or parse_operand(fields["value"], scope)
    if isinstance(field, (FieldPath, Variable)):
        raise errors.SET_FIELD_PATH_AS_NAME(name=name)
    if not isinstance(field, Literal):
        raise errors.SET_FIELD_NAME_NOT_CONSTANT(name=name)
    if type(field.value) is not str:
        raise errors.SET_FIELD_NAME_TYPE(name=name, kind=alias(field.value))
    if "\0" in field.value:
        raise errors.SET_FIELD_NAME_NUL(name=name)
    return Call(_set_field, (source, field, value))


@form("$setField")
def parse_set_field(operand: Any, scope: Scope) -> Expression:
    """A document with a field set, whose name may hold dots and dollars.

    args     {field: constant string, input: document, value: any value; missing takes the field away}
    result   document; null if the input is null or missing
    errors   SET_FIELD_NEEDS_OBJECT, SET_FIELD_UNKNOWN_FIELD, SET_FIELD_WITHOUT_FIELD, SET_FIELD_WITHOUT_INPUT,
             SET_FIELD_WITHOUT_VALUE, SET_FIELD_PATH_AS_NAME, SET_FIELD_NAME_NOT_CONSTANT, SET_FIELD_NAME_TYPE,
             SET_FIELD_NAME_NUL, SET_FIELD_INPUT_TYPE
    source   manual, $setField
    """
    return _parse_set_field("$setField", operand, scope, None)


@form("$unsetField")
def parse_unset_field(operand: Any, scope: Scope) -> Expression:
    """A document without a field, whose name may hold dots and dollars.

    args     {field: constant string, input: document}
    result   document; null if the input is null or missing
    errors   as for $setField
    source   manual, $unsetField
    """
    return _parse_set_field("$unsetField", operand, scope, Literal(MISSING))
