"""Documents whose fields are known: merging, fields by name, and the way to arrays."""

from __future__ import annotations

from amongo.aggregate.relational.choosing import either
from amongo.aggregate.relational.inside import within
from amongo.aggregate.relational.listing import ELEMENT, array_of, common_form, constant_listing, packed
from amongo.aggregate.relational.registry import lowers_call, lowers_node
from amongo.aggregate.relational.scope import Scope, of_fields
from amongo.aggregate.relational.sql import FALSE, listed, sql
from amongo.aggregate.relational.values import (
    NOTHING,
    NULL_VALUE,
    NULLISH,
    Form,
    Listing,
    NotLowered,
    Value,
    facts_of,
    literal,
    without,
)
from amongo.engine.columns import CROSSED
from amongo.mql.expressions.nodes import Literal, Variable
from amongo.mql.expressions.objects import GetField
from amongo.values.types import BsonType


@lowers_call("$mergeObjects")
def merge(arguments: list[Value], scope: Scope) -> Value:
    """Documents laid over one another: later fields replace earlier ones, in place."""
    merged: dict[str, Value] = {}
    for value in arguments:
        if value.only(*NULLISH):
            continue
        if value.fields is None:
            raise NotLowered("$mergeObjects of documents whose fields are not known")
        for name, field in value.fields.items():
            merged[name] = _laid_over(merged[name], field) if name in merged else field
    return of_fields(merged)


def _laid_over(earlier: Value, later: Value) -> Value:
    """errors: NotLowered where the field's place depends on the row"""
    if BsonType.MISSING not in earlier.kinds:
        return either([(later.is_kind(BsonType.MISSING), earlier)], later)
    if later.only(BsonType.MISSING):
        return earlier
    raise NotLowered("$mergeObjects with a field that may be missing, over which another is laid")


@lowers_call("$setField", "$unsetField")
def set_field(arguments: list[Value], scope: Scope) -> Value:
    """A document with a field set, or without it where the value is missing."""
    source, name, value = arguments
    if source.only(*NULLISH):
        return NULL_VALUE
    if source.fields is None:
        raise NotLowered("$setField of documents whose fields are not known")
    fields = dict(source.fields)
    earlier = fields.get(name.constant)
    if earlier is not None and BsonType.MISSING in earlier.kinds and not value.only(BsonType.MISSING):
        raise NotLowered("$setField of a field that may be missing")
    if value.only(BsonType.MISSING):
        fields.pop(name.constant, None)
    else:
        fields[name.constant] = value
    return of_fields(fields)


@lowers_node(GetField, "$getField")
def get_field(node: GetField, scope: Scope) -> Value:
    """The field of one name, which may hold dots and dollars; missing where there is no document, null for null."""
    if not isinstance(node.field, Literal):
        raise NotLowered("$getField with a name that is no constant")
    name = node.field.value
    if node.source == Variable("ROOT") or (node.source == Variable("CURRENT") and "CURRENT" not in scope.variables):
        return scope.reached((name,))
    source = scope.value(node.source)
    if BsonType.OBJECT not in source.kinds:
        found = NOTHING
    else:
        found = within(source, (name,), (name,))
        found = either([(found.is_kind(CROSSED), NOTHING)], without(found, CROSSED))
    is_null = source.is_kind(BsonType.NULL, BsonType.UNDEFINED)
    return found if is_null == FALSE else either([(is_null, NULL_VALUE)], found)


@lowers_call("$objectToArray")
def object_to_array(arguments: list[Value], scope: Scope) -> Value:
    """The fields of a document as an array of {k: name, v: value}."""
    (value,) = arguments
    if value.only(*NULLISH):
        return NULL_VALUE
    if value.fields is None:
        raise NotLowered("$objectToArray of documents whose fields are not known")
    if not value.fields:
        return array_of(constant_listing(()))
    names = [literal(name) for name in value.fields]
    values = list(value.fields.values())
    forms = {"k": common_form(names), "v": common_form(values, is_nested=True)}
    form = Form(facts_of((BsonType.OBJECT,)), False, forms)
    pairs = [of_fields({"k": name, "v": each}) for name, each in zip(names, values, strict=True)]
    items = sql("list_value({})", listed(packed(pair, form) for pair in pairs))
    if any(BsonType.MISSING in each.kinds for each in values):
        items = sql("list_filter({}, lambda {}: {}.f1.tag <> 0)", items, ELEMENT, ELEMENT)
    return array_of(Listing(items, form.element, False, form.fields, len(pairs)))
