"""Every update operator, registered where it is defined.

An operator is one function of the field's current value, its operand and the scene of the application:

    @operator("$max")
    def keep_larger(current, operand, scene): ...

It returns the field's new value, MISSING when the field is to go, or UNCHANGED. It is called with MISSING for an
absent field and says by its answer whether it creates one: no other rule decides which operators create paths. An
operator that checks or prepares its operand has a `parse` function, which runs once an update; one that touches
more than the field it names (`$rename`) has an `expand` function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values.missing import MISSING


class Unchanged(Enum):
    """The type of UNCHANGED."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""An operator's answer when the field stays as it is: no write, no entry in the description."""

Collator = Callable[[str], bytes]


@dataclass(slots=True)
class Scene:
    """One application of an update to one document; the operators read it, the application writes the description.

    document         the document before the update
    now, timestamp   what $currentDate sets
    array_index      the element that the filter matched, for the positional `$`
    is_insert        the update makes the document of an upsert
    updated, removed the description: dotted path -> new value, and paths that are gone
    is_recording     off below a path that is described as a whole
    path, name       where the operator works, for its messages (`name` is the last part)
    appended_from    set by an operator that only appended to an array: index of its first new element
    """

    document: dict[str, Any]
    now: DatetimeMS
    timestamp: Timestamp
    array_index: int | None
    is_insert: bool
    updated: dict[str, Any]
    removed: list[str]
    is_recording: bool = True
    path: str = ""
    name: str = ""
    appended_from: int | None = None


@dataclass(slots=True)
class UpdateContext:
    """What the operands of one update are parsed with.

    collator        how strings are compared, None for their bytes
    variables       the variables that filters inside the update may use
    """

    collator: Collator | None
    variables: Mapping[str, Any]


Apply = Callable[[Any, Any, Scene], Any]
Leaf = tuple[Apply, Any]
"""An operator's function and its parsed operand: what stands at the end of a path."""

Parse = Callable[[str, Any, UpdateContext], Any]
Expand = Callable[[str, Any], Iterable[tuple[str, Leaf]]]


class Plain(Enum):
    """What an operator does with a scalar operand, if that is all it does.

    REPLACE   the operand becomes the field's value, whatever it was
    REMOVE    the field goes
    COMPUTE   the new value comes of two numbers, without a look at the scene but for an error's words
    """

    REPLACE = "replace"
    REMOVE = "remove"
    COMPUTE = "compute"


@dataclass(frozen=True, slots=True)
class Operator:
    """A registered update operator.

    apply    (current value or MISSING, operand, scene) -> new value, MISSING or UNCHANGED
    parse    (path, operand, context) -> the operand as `apply` wants it; None when any operand will do
    expand   (path, operand) -> the leaves at their paths, for an operator that touches several
    plain            what it does to a field in the fast way of `plain.py`; None if it cannot be done that way
    may_restate_id   setting `_id` to an equal value is no attempt to change it
    """

    name: str
    apply: Apply
    parse: Parse | None = None
    expand: Expand | None = None
    may_restate_id: bool = False
    plain: Plain | None = None


OPERATORS: dict[str, Operator] = {}
"""Name -> operator. Filled by `operator`."""


def operator(
    name: str,
    *,
    parse: Parse | None = None,
    expand: Expand | None = None,
    may_restate_id: bool = False,
    plain: Plain | None = None,
) -> Callable[[Apply], Apply]:
    """Register the decorated function as update operator `name`; a second definition is a programming error."""

    def enter(function: Apply) -> Apply:
        if name in OPERATORS:
            raise RuntimeError(f"{name} is defined twice")
        OPERATORS[name] = Operator(name, function, parse, expand, may_restate_id, plain)
        return function

    return enter


__all__ = [
    "MISSING",
    "OPERATORS",
    "UNCHANGED",
    "Apply",
    "Collator",
    "Leaf",
    "Operator",
    "Parse",
    "Plain",
    "Scene",
    "Unchanged",
    "UpdateContext",
    "operator",
]
