"""What is lowered, each thing where it is defined; and what is not, with the reason.

Every stage, expression operator, match operator, accumulator and window operator is either lowered, by a function in a
module of this room, or stands in `not_lowered.py` with a reason. A test compares both with the registries of the
language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from amongo.aggregate.relational.accumulators.folding import Folding
    from amongo.aggregate.relational.frame import Frame
    from amongo.aggregate.relational.lowering import Lowering
    from amongo.aggregate.relational.reading import Reading
    from amongo.aggregate.relational.scope import Scope
    from amongo.aggregate.relational.sql import Sql
    from amongo.aggregate.relational.values import Value
    from amongo.aggregate.relational.windows.partitions import Partitions

LowerCall = Callable[[list["Value"], "Scope"], "Value"]
LowerNode = Callable[[Any, "Scope"], "Value"]
LowerMatch = Callable[[Any, "Scope"], "Sql"]
LowerFold = Callable[[Any, "Folding"], "Value"]
LowerWindow = Callable[[Any, "Partitions"], "Value"]
LowerStage = Callable[[Any, "Frame", "Lowering"], "Frame"]
Reads = Callable[[Any, "Reading"], None]

CALLS: Final[dict[str, LowerCall]] = {}
"""Operator name -> its lowering, of operators that take evaluated arguments (`nodes.Call`)."""

NODES: Final[dict[type, LowerNode]] = {}
"""Class of an expression node -> its lowering, for every other expression."""

MATCHES: Final[dict[str, LowerMatch]] = {}
"""Name of a match operator -> its lowering to a condition that is never NULL."""

FOLDS: Final[dict[str, LowerFold]] = {}
"""Name of an accumulator -> its lowering in $group."""

WINDOWS: Final[dict[str, LowerWindow]] = {}
"""Name of a window function -> its lowering in $setWindowFields."""

STAGES: Final[dict[type, LowerStage]] = {}
"""Class of a stage -> its lowering."""

READS: Final[dict[type, Reads]] = {}
"""Class of a stage or an expression node -> which paths it reads, where these are not those of its children."""

NODE_NAMES: Final[dict[str, type]] = {}
"""Operator name -> class of its node, of those in NODES that have a name."""

F = TypeVar("F", bound=Callable[..., Any])


def lowers_call(*names: str) -> Callable[[F], F]:
    """Register `(arguments, scope) -> Value` for operators whose arguments are evaluated first."""
    return _entering(CALLS, names)


def lowers_node(kind: type, *names: str) -> Callable[[F], F]:
    """Register `(node, scope) -> Value` for a class of expression nodes; `names`: the operators that it stands for."""
    NODE_NAMES.update(dict.fromkeys(names, kind))
    return _entering(NODES, (kind,))


def lowers_match(*names: str) -> Callable[[F], F]:
    """Register `(match expression, scope) -> condition` for match operators."""
    return _entering(MATCHES, names)


def lowers_fold(*names: str) -> Callable[[F], F]:
    """Register `(accumulation, folding) -> Value` for accumulators of $group."""
    return _entering(FOLDS, names)


def lowers_window(*names: str) -> Callable[[F], F]:
    """Register `(window function, partitions) -> Value` for functions of $setWindowFields."""
    return _entering(WINDOWS, names)


def lowers_stage(kind: type) -> Callable[[F], F]:
    """Register `(stage, frame, lowering) -> frame` for a class of stages."""
    return _entering(STAGES, (kind,))


def reads(*kinds: type) -> Callable[[F], F]:
    """Register `(stage or node, reading)`, which calls `reading.path(…)` for what is read."""
    return _entering(READS, kinds)


def _entering(entries: dict[Any, Any], keys: tuple[Any, ...]) -> Callable[[F], F]:
    def enter(function: F) -> F:
        for key in keys:
            if key in entries:
                raise RuntimeError(f"{key} is lowered twice")
            entries[key] = function
        return function

    return enter
