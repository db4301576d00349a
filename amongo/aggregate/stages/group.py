"""$group: documents with the same key are folded into one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amongo.aggregate.folding import Fold
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.mql.accumulators import Accumulation, parse_accumulation
from amongo.mql.accumulators.registry import Unary
from amongo.mql.accumulators.single import CountDocuments, ExtremeOf
from amongo.mql.expressions import Expression, Literal
from amongo.mql.expressions.nodes import FieldPath, ObjectExpression
from amongo.values.order import Collator


@dataclass(frozen=True, slots=True)
class Group(Stage):
    """Fold by key. Groups come out in the order in which their first documents came."""

    key: Expression
    fields: tuple[tuple[str, Accumulation], ...]
    collator: Collator | None = None

    def bind(self) -> Run:
        accumulations = tuple(accumulation for _, accumulation in self.fields)
        return Fold(
            key_of=self.key.bind(),
            names=tuple(name for name, _ in self.fields),
            accumulations=accumulations,
            arguments=tuple(accumulation.bind() for accumulation in accumulations),
            collator=self.collator,
            is_plain=_is_plain(self.key.fold()) and all(map(_takes_plain, accumulations)),
            fields=_fields_of(accumulations),
        ).run


def _fields_of(accumulations: tuple[Accumulation, ...]) -> tuple[str | None, ...] | None:
    """The names of the fields that are taken in, None for constants; None if anything else is."""
    fields: list[str | None] = []
    for each in accumulations:
        argument = each.argument.fold() if isinstance(each, Unary | ExtremeOf) else None
        if isinstance(each, CountDocuments) or isinstance(argument, Literal):
            fields.append(None)
        elif isinstance(argument, FieldPath) and len(argument.path.parts) == 1:
            fields.append(argument.path.first)
        else:
            return None
    return tuple(fields)


def _takes_plain(accumulation: Accumulation) -> bool:
    return isinstance(accumulation, CountDocuments) or (
        isinstance(accumulation, Unary | ExtremeOf) and _is_plain(accumulation.argument.fold())
    )


def _is_plain(expression: Expression) -> bool:
    """Whether an expression cannot fail, and gives the same whenever it is asked."""
    if isinstance(expression, ObjectExpression):
        return all(map(_is_plain, expression.children()))
    return isinstance(expression, FieldPath | Literal)


@stage("$group")
def parse_group(spec: Any, surroundings: Surroundings) -> Group:
    """Documents with the same key, folded into one.

    spec     {_id: expression, name: {$accumulator: argument}, …}
    result   one document a group: the key of its first document as `_id` (missing is null), then the folds
    errors   GROUP_NOT_OBJECT, GROUP_WITHOUT_ID, those of `parse_accumulation`; when run MEMORY_EXCEEDED,
             GROUP_TOO_LARGE
    order    of the groups: not defined; here as their first documents came
    source   manual, $group
    """
    if type(spec) is not dict:
        raise errors.GROUP_NOT_OBJECT()
    key = None
    fields = []
    for name, value in spec.items():
        if name == "_id":
            key = surroundings.parse(value)
        else:
            fields.append((name, parse_accumulation(name, value, surroundings.scope)))
    if key is None:
        raise errors.GROUP_WITHOUT_ID()
    return Group(key, tuple(fields), surroundings.scope.collator)
