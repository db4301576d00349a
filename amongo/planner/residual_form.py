"""What is left of a filter when bounds have proved some of its conditions, in the normal form that explain shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amongo.errors import ServerError
from amongo.mql.matcher import MatchExpression, parse_filter
from amongo.mql.matcher.comparison import Comparison, In
from amongo.values.order import Collator

Document = dict[str, Any]


def residual_form(form: Document, proved: Sequence[MatchExpression], collator: Collator | None) -> Document:
    """The normal form of a filter without the conditions that need not be asked.

    form       of the whole filter; see `mql.matcher.normal_form`
    collator   of the query
    """
    known = {repr(_plain(node)) for node in proved}
    left = [each for each in parts_of(form) if _written(each, collator) not in known] if known else parts_of(form)
    return left[0] if len(left) == 1 else {"$and": left} if left else {}


def parts_of(form: Document) -> list[Document]:
    """The conditions that a normal form joins."""
    if not form:
        return []
    return list(form["$and"]) if form.keys() == {"$and"} else [form]


def branch_forms(form: Document, root: MatchExpression, collator: Collator | None) -> list[Document]:
    """The normal forms of the branches of a `$or` among the conditions of a filter; empty ones if it is not found."""
    wanted = repr(root)
    for each in parts_of(form):
        if each.keys() == {"$or"} and _written(each, collator) == wanted:
            return list(each["$or"])
    found = [each["$or"] for each in parts_of(form) if each.keys() == {"$or"}]
    return list(found[0]) if len(found) == 1 else [{} for _ in root.children]


def _written(condition: Document, collator: Collator | None) -> str:
    """The tree of a condition, as text; the text of nothing for one that cannot stand alone."""
    try:
        return repr(_plain(parse_filter(condition, collator=collator, may_search=True, allows_near=True)))
    except ServerError:
        return ""


def _plain(node: MatchExpression) -> MatchExpression:
    """The node; an equality for a `$in` of one value, as the normal form has it."""
    if isinstance(node, In) and len(node.operand) == 1:
        return Comparison("$eq", node.path, node.operand[0], node.collator)
    return node
