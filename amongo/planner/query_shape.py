"""Query shapes: what remains of filters, projections and pipelines when their constants are taken out.

Operators, paths, stages and names of collections stay, in the order in which they were written; a constant becomes the
name of its type: `{n: {$gt: 5}}` is `{n: {$gt: "?number"}}`. Queries of one shape have one hash. The hash is amongo's
own: a server's for the same query is another number. Source: manual, Query Shapes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bson import Decimal128

from amongo.mql.matcher.parse import is_operator_document
from amongo.values.codec import encode
from amongo.values.types import alias, is_number

Document = dict[str, Any]

_NEGATED: Final = {"$ne": "$eq", "$nin": "$in"}
_NAMED: Final = frozenset({"as", "field"})
"""Arguments of expressions whose strings name something, and are no constants."""


def shape_hash(shape: Document) -> str:
    """The hash of a shape: 64 hexadecimal digits."""
    return hashlib.sha256(encode(shape)).hexdigest().upper()


def literal_shape(value: Any) -> str:
    """A constant: "?" and its type; an array tells the type of its elements where that is one."""
    if type(value) is not list:
        return "?number" if is_number(value) else f"?{alias(value)}"
    if not value:
        return "[]"
    kinds = {literal_shape(each) for each in value}
    return f"?array<{kinds.pop() if len(kinds) == 1 else ''}>"


# Filters


def filter_shape(filter: Mapping[str, Any]) -> Document:
    """The shape of a filter that has been parsed without an error; {} finds everything."""
    conditions = list(_conditions(filter))
    if not conditions:
        return {}
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def _conditions(filter: Mapping[str, Any]) -> Iterator[Document]:
    for name, operand in filter.items():
        if name in ("$and", "$or", "$nor"):
            yield {name: [filter_shape(each) for each in operand]}
        elif name == "$expr":
            yield {name: expression_shape(operand)}
        elif name == "$comment":
            continue
        elif name.startswith("$") and name not in ("$ref", "$id", "$db"):
            yield {name: _literals(operand)}
        elif is_operator_document(operand):
            yield from ({name: each} for each in _operators(operand))
        else:
            yield {name: {"$regex" if alias(operand) == "regex" else "$eq": literal_shape(operand)}}


def _operators(operators: Mapping[str, Any]) -> Iterator[Document]:
    """The conditions on one field, each by itself."""
    for name, value in operators.items():
        if name in _NEGATED:
            yield {"$not": {_NEGATED[name]: literal_shape(value)}}
        elif name in ("$not", "$elemMatch") and type(value) is dict:
            inner = _operators(value) if is_operator_document(value) else iter((filter_shape(value),))
            yield {name: [*inner]}
        elif name == "$type":
            yield {name: value}
        elif type(value) is dict:
            yield {name: _literals(value)}
        else:
            yield {name: literal_shape(value)}


def _literals(value: Any) -> Any:
    """An operand whose fields are known by name: their constants alone are taken out."""
    return {name: _literals(each) for name, each in value.items()} if type(value) is dict else literal_shape(value)


# Expressions and projections


def expression_shape(expression: Any) -> Any:
    """The shape of an expression: its operators, field paths and variables."""
    if type(expression) is str:
        return expression if expression.startswith("$") else literal_shape(expression)
    if type(expression) is list:
        shapes = [expression_shape(each) for each in expression]
        return literal_shape(expression) if shapes == [literal_shape(each) for each in expression] else shapes
    if type(expression) is not dict or not expression:
        return literal_shape(expression)
    if expression.keys() & {"$literal", "$const"}:
        return literal_shape(next(iter(expression.values())))
    return {
        name: each if name in _NAMED and type(each) is str else expression_shape(each)
        for name, each in expression.items()
    }


def projection_shape(projection: Mapping[str, Any]) -> Document:
    """The shape of a projection: which fields are kept and left out stays."""
    return {name: _projected(value) for name, value in projection.items()}


def _projected(value: Any) -> Any:
    if type(value) is bool or is_number(value):
        return bool(value.to_decimal() if type(value) is Decimal128 else value)
    if type(value) is not dict or not value:
        return expression_shape(value)
    name, operand = next(iter(value.items()))
    if name == "$elemMatch" and type(operand) is dict:
        return {name: next(_operators({name: operand}))}
    if name == "$meta":
        return value
    return expression_shape(value) if name.startswith("$") else projection_shape(value)


# Pipelines


def pipeline_shape(stages: list[Any]) -> list[Document]:
    """The shape of a pipeline: stage for stage."""
    return [
        {name: _STAGES.get(name, expression_shape)(spec) for name, spec in stage.items()}
        for stage in stages
        if type(stage) is dict
    ]


def _reading(spec: Any) -> Any:
    """A stage that reads another collection, or writes one: names stay."""
    if type(spec) is not dict:
        return spec
    return {name: _READING.get(name, _kept)(value) for name, value in spec.items()}


def _facet(spec: Any) -> Any:
    return {name: pipeline_shape(stages) for name, stages in spec.items()}


def _kept(spec: Any) -> Any:
    return spec


def _when_matched(action: Any) -> Any:
    return pipeline_shape(action) if type(action) is list else action


_READING: Final[dict[str, Callable[[Any], Any]]] = {
    "pipeline": pipeline_shape,
    "let": expression_shape,
    "startWith": expression_shape,
    "maxDepth": literal_shape,
    "restrictSearchWithMatch": filter_shape,
    "whenMatched": _when_matched,
}

_STAGES: Final[dict[str, Callable[[Any], Any]]] = {
    "$match": filter_shape,
    "$project": projection_shape,
    "$facet": _facet,
    **dict.fromkeys(("$lookup", "$graphLookup", "$unionWith", "$merge"), _reading),
    **dict.fromkeys(("$sort", "$unset", "$unwind", "$count", "$out", "$collStats", "$indexStats"), _kept),
}
