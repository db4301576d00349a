"""The normal form of a filter, as explain shows it: every condition by its operator, joined by one `$and`.

`{a: 1, b: {$ne: 2}}` is `{$and: [{a: {$eq: 1}}, {b: {$not: {$eq: 2}}}]}`. Conditions stand in the server's order.
Source: manual, Explain Results, "parsedQuery".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bson.regex import Regex

from amongo.mql.matcher.joins import SERVER_ORDER
from amongo.mql.matcher.parse import is_operator_document
from amongo.values.order import regex_parts

Document = dict[str, Any]

_NEGATED: Final = {"$ne": "$eq", "$nin": "$in"}
_WHOLE: Final = frozenset({"$near", "$nearSphere", "$geoNear", "$geoWithin", "$within", "$geoIntersects"})
"""Operators whose condition is read as a whole, with those beside them."""


def normal_form(filter: Mapping[str, Any]) -> Document:
    """The normal form of a filter that has been parsed without an error; {} finds everything."""
    return _joined(sorted(_conditions(filter), key=_order))


def _joined(conditions: list[Document]) -> Document:
    if not conditions:
        return {}
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}


def _order(condition: Document) -> tuple[int, str]:
    """By operator, then by path."""
    ((name, operand),) = condition.items()
    operator = name if name.startswith("$") else next(iter(operand))
    rank = SERVER_ORDER.index(operator) if operator in SERVER_ORDER else len(SERVER_ORDER)
    return rank, "" if name.startswith("$") else name


def _conditions(filter: Mapping[str, Any]) -> Iterator[Document]:
    for name, operand in filter.items():
        if name == "$and":
            for each in operand:
                yield from _conditions(each)
        elif name in ("$or", "$nor"):
            branches = [normal_form(each) for each in operand]
            if name == "$or" and len(branches) == 1:
                yield from _conditions(branches[0])
            else:
                yield {name: branches}
        elif name == "$comment":
            continue
        elif name.startswith("$") and name not in ("$ref", "$id", "$db"):
            yield {name: operand}
        else:
            yield from ({name: condition} for condition in _field_conditions(operand))


def _field_conditions(operand: Any) -> Iterator[Document]:
    if type(operand) is Regex:
        yield _regex(operand, None)
    elif not is_operator_document(operand):
        yield {"$eq": operand}
    elif not _WHOLE.isdisjoint(operand):
        yield dict(operand)
    else:
        for name, value in operand.items():
            yield from _operator(name, value, operand)


def _operator(name: str, value: Any, siblings: Mapping[str, Any]) -> Iterator[Document]:
    if name in _NEGATED:
        yield {"$not": {_NEGATED[name]: value}}
    elif name == "$regex":
        yield _regex(value, siblings.get("$options"))
    elif name == "$options":
        return
    elif name == "$all":
        for each in value:
            yield from _field_conditions(each)
    elif name == "$not":
        inner = list(_field_conditions(value))
        yield {"$not": inner[0] if len(inner) == 1 else dict(pair for each in inner for pair in each.items())}
    elif name == "$exists":
        yield {"$exists": True} if value else {"$not": {"$exists": True}}
    elif name == "$in" and len(value) == 1 and type(value[0]) is not Regex:
        yield {"$eq": value[0]}
    elif name == "$elemMatch":
        yield {"$elemMatch": value if is_operator_document(value) else normal_form(value)}
    else:
        yield {name: value}


def _regex(value: Any, options: str | None) -> Document:
    pattern, flags = value, options or ""
    if type(value) is Regex:
        raw_pattern, raw_flags = regex_parts(value)
        pattern, flags = raw_pattern.decode(), raw_flags.decode() or flags
    return {"$regex": pattern, "$options": flags} if flags else {"$regex": pattern}
