"""What may take long however few documents there are: a request with it never runs on the event loop.

A regular expression may run away: `(a+)+$` takes longer than anyone waits in a text of forty letters; it is cut off,
but only after half a second. A `$range` is as long as it says, and a loop within a loop takes its time squared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bson.regex import Regex

from amongo.commands import aggregate, count, delete, distinct, find, find_and_modify, live, update
from amongo.errors import ServerError
from amongo.mql.patterns import may_run_away
from amongo.values.order import regex_parts

_PATTERN_FIELDS = frozenset({"$regex", "regex", "pattern"})
"""Where filters, expressions and schemas have a pattern as a string."""

_SEARCHED_KINDS = frozenset({dict, list, str, Regex})

_LOOPS = frozenset({"$map", "$filter", "$reduce"})


# What of a request may take long.
_SEARCHED: dict[type, Callable[[Any], Any]] = {
    find.FindRequest: lambda request: [request.filter, request.projection] if request.projection else request.filter,
    update.UpdateRequest: lambda request: [part for each in request.updates for part in (each.filter, each.update)],
    delete.DeleteRequest: lambda request: [each.filter for each in request.deletes],
    aggregate.AggregateRequest: lambda request: request.stages,
    count.CountRequest: lambda request: request.filter,
    distinct.DistinctRequest: lambda request: request.filter,
    find_and_modify.FindAndModifyRequest: lambda request: [
        request.statement.filter,
        request.statement.update,
        request.fields,
    ],
    live.LiveRequest: lambda request: request.filter,
    live.LiveQuery: lambda request: request.filter,
}


def searches_wildly(request: Any) -> bool:
    """Whether a request has something in it that may take long."""
    searched = _SEARCHED.get(type(request))
    return searched is not None and has_wild_pattern(searched(request))


def has_wild_pattern(value: Any) -> bool:
    """Whether a filter, a pipeline or an update, however deep, has a regular expression that may run away in it, a
    search for words, or loops that nobody can tell how long they are."""
    pending, looped = [value], list[Any]()  # those within a loop come last
    while pending or looped:
        here = pending or looped
        part = here.pop()
        kind = type(part)
        if kind is dict:
            if _SEARCHED_KINDS.isdisjoint(map(type, part.values())):
                continue
            for name, inner in part.items():
                if name in ("$text", "$range"):  # each document's texts are cut into words
                    return True
                if name in _PATTERN_FIELDS and type(inner) is str and _is_wild(inner):
                    return True
                if name in _LOOPS:
                    if here is looped:
                        return True
                    looped.append(inner)
                else:
                    here.append(inner)
        elif kind is list:
            here += part
        elif kind is Regex and _is_wild(*(text.decode() for text in regex_parts(part))):
            return True
    return False


def _is_wild(pattern: str, flags: str = "") -> bool:
    try:
        return may_run_away(pattern, flags)
    except ServerError:  # an invalid pattern is refused at once
        return False
