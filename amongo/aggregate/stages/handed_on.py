"""What the server's values go through between its two engines.

A $group at the start of a pipeline (behind $match, $sort, $skip and $limit) runs in one engine, the stages behind it
in another; three types do not survive the crossing: MinKey and MaxKey arrive inside a document with an empty field
name, code without a scope arrives as a string. Where the $group is the last stage nothing crosses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson import Code, MaxKey, MinKey

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Run, Stage

_IN_FRONT: Final = frozenset({"$match", "$sort", "$skip", "$limit"})
_FOLLOWED: Final = frozenset({"$bucket", "$sortByCount"})  # each a $group and a $sort
_MAKING_ARRAYS: Final = frozenset(
    {"$push", "$addToSet", "$firstN", "$lastN", "$minN", "$maxN", "$topN", "$bottomN", "$setUnion", "$concatArrays"}
)
_CHANGED: Final = frozenset({MinKey, MaxKey, Code})


@dataclass(frozen=True, slots=True)
class HandedOn(Stage):
    """The documents of a $group as the next stage gets them.

    arrays   fields whose arrays the group itself has made
    """

    arrays: tuple[str, ...]

    def bind(self) -> Run:
        arrays = self.arrays

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            for document in documents:
                if any(type(value) in _CHANGED for value in document.values()):
                    document = {name: _arrived(value) for name, value in document.items()}
                for name in arrays:
                    values = document.get(name)
                    if type(values) is list and any(type(value) in _CHANGED for value in values):
                        document = {**document, name: [_arrived(value) for value in values]}
                yield document

        return run


def _arrived(value: Any) -> Any:
    kind = type(value)
    if kind is MinKey or kind is MaxKey:
        return {"": value}
    return str(value) if kind is Code and value.scope is None else value


def hand_on(specs: Sequence[Document], stages: list[Stage]) -> list[Stage]:
    """The stages of a pipeline on a collection, with the crossing behind its first groups.

    specs    the stages as they were written, one for each
    source   the answers of servers
    """
    names = [next(iter(spec)) for spec in specs]
    place = next((place for place, name in enumerate(names) if name not in _IN_FRONT), len(names))
    while place + 1 < len(names) and names[place] == names[place + 1] == "$group":
        place += 1
    if place == len(names):
        return stages
    name, stage, result = names[place], stages[place], list(stages)
    if name == "$group" and place + 1 < len(names):
        result[place] = Stacked((stage, _crossing(specs[place]["$group"])))
    elif name in _FOLLOWED and isinstance(stage, Stacked):
        group, *behind = stage.stages
        output = specs[place][name].get("output", {}) if name == "$bucket" else {}
        result[place] = Stacked((group, _crossing(output), *behind))
    return result


def _crossing(fields: Document) -> HandedOn:
    return HandedOn(
        tuple(name for name, spec in fields.items() if type(spec) is dict and not _MAKING_ARRAYS.isdisjoint(spec))
    )
