"""$group: documents with the same key are folded into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import ServerError
from amongo.errors import expression as expression_errors
from amongo.errors import pipeline as errors
from amongo.mql.accumulators import Accumulation, parse_accumulation
from amongo.mql.expressions import Expression
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator


@dataclass(frozen=True, slots=True)
class Group(Stage):
    """Fold by key. Groups come out in the order in which their first documents came."""

    key: Expression
    fields: tuple[tuple[str, Accumulation], ...]
    collator: Collator | None = None

    def bind(self) -> Run:
        key_of, collator = self.key.bind(), self.collator
        names = tuple(name for name, _ in self.fields)
        accumulations = tuple(accumulation for _, accumulation in self.fields)
        arguments = tuple(accumulation.bind() for accumulation in accumulations)
        growing = tuple(index for index, accumulation in enumerate(accumulations) if accumulation.grows)
        every = range(len(arguments))

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            variables = environment.variables
            bound = MemoryBound("$group", environment.memory_bytes)
            groups: dict[bytes, tuple[Any, list[Any]]] = {}
            for document in environment.interrupt.watch(documents):
                try:
                    key = key_of(document, variables)
                    values = [argument(document, variables) for argument in arguments]
                except ServerError as failure:
                    raise _as_in_group(failure) from None
                if key is MISSING:
                    key = None
                group = groups.get(packed := key_bytes(key, collator))
                if group is None:
                    bound.add(key)
                    states = [accumulation.create(key, variables) for accumulation in accumulations]
                    group = groups[packed] = (key, states)
                states = group[1]
                for index in every:
                    states[index].add(values[index])
                for index in growing:
                    bound.add(values[index])
            for key, states in groups.values():
                result = {"_id": key}
                for name, state in zip(names, states, strict=True):
                    value = state.result()
                    if value is not MISSING:
                        result[name] = value
                yield result

        return run


def _as_in_group(failure: ServerError) -> ServerError:
    """A failed expression's error as $group reports it: the server runs it in another engine, with other numbers."""
    for outside, inside in (
        (expression_errors.DIVIDE_BY_ZERO, expression_errors.DIVIDE_BY_ZERO_IN_GROUP),
        (expression_errors.MOD_BY_ZERO, expression_errors.MOD_BY_ZERO_IN_GROUP),
    ):
        if (failure.code, failure.message) == (outside.code, outside.template):
            return inside()
    return failure


@stage("$group")
def parse_group(spec: Any, surroundings: Surroundings) -> Group:
    """Documents with the same key, folded into one.

    spec     {_id: expression, name: {$accumulator: argument}, …}
    result   one document a group: the key of its first document as `_id` (missing is null), then the folds
    errors   GROUP_NOT_OBJECT, GROUP_WITHOUT_ID, those of `parse_accumulation`, MEMORY_EXCEEDED
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
