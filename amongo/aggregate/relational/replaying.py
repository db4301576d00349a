"""The steps of a pipeline done again to the documents that come out, each with the values that the statement gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from bson import Int64

from amongo.aggregate.relational.sql import Sql
from amongo.aggregate.relational.steps import Chosen, Joined, Numbered, Rooted, Step, Tree, Unwound, Written
from amongo.aggregate.relational.values import Value
from amongo.aggregate.stages.lookup import held_partners
from amongo.aggregate.stages.unwind import with_value
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, get

Document = dict[str, Any]
Partners = Callable[[str, Iterable[int]], Mapping[int, Document]]
"""(collection, record ids) -> the documents of that collection by their record ids."""

Read = Callable[[int], Any]
"""The value of a row."""

Redo = Callable[[Document, int], Document]
"""(document, row) -> document."""


@dataclass(frozen=True, slots=True)
class Replay:
    """The steps, with the columns of the result in which their values are.

    steps   with names of columns in place of SQL, and what `place` has given in place of values
    """

    steps: tuple[Any, ...]


def selected(steps: Iterable[Step], place: Callable[[Value], Any], column: Callable[[Sql], str]) -> Replay:
    """Select what the steps need.

    place    selects a value
    column   selects an expression; gives the name of its column
    """

    def tree(values: Tree) -> dict[str, Any]:
        return {name: place(each) if isinstance(each, Value) else tree(each) for name, each in values.items()}

    def one(step: Step) -> Any:
        match step:
            case Written():
                return tree(step.tree)
            case Unwound():
                return replace(step, position=column(step.position))  # type: ignore[arg-type]
            case Joined():
                return replace(step, ids=column(step.ids))  # type: ignore[arg-type]
            case Numbered():
                return replace(step, number=column(step.number))  # type: ignore[arg-type]
        return step

    return Replay(tuple(map(one, steps)))


def replayed(
    documents: Iterable[Document],
    replay: Replay,
    batch: pa.RecordBatch,
    reader: Callable[[Any], Read],
    partners: Partners | None,
) -> Iterator[Document]:
    """Each document after the steps.

    documents   before them, one for each row of the batch
    reader      of a place that `selected` has got: gives the value in a row, or MISSING
    errors      LOOKUP_TOO_LARGE
    """
    redoing = [_redo(step, batch, reader, partners) for step in replay.steps]
    for row, document in enumerate(documents):
        for redo in redoing:
            document = redo(document, row)
        yield document


def _redo(step: Any, batch: pa.RecordBatch, reader: Callable[[Any], Read], partners: Partners | None) -> Redo:
    match step:
        case dict():
            return _writing(_read_tree(step, reader))
        case Chosen():
            choose = step.choose
            return lambda document, row: choose(document)
        case Unwound():
            return _unwinding(step, batch.column(str(step.position)).to_pylist())
        case Joined():
            assert partners is not None
            return _joining(step, batch.column(str(step.ids)).to_pylist(), partners)
        case Numbered():
            numbers, path = batch.column(str(step.number)).to_pylist(), step.path
            return lambda document, row: with_value(document, path, _long(numbers[row]))
        case Rooted():
            rooted = FieldPath(".".join(step.path), step.path)
            return lambda document, row: get(document, rooted)
    raise AssertionError(step)


def _read_tree(tree: Mapping[str, Any], reader: Callable[[Any], Read]) -> dict[str, Any]:
    return {name: _read_tree(each, reader) if type(each) is dict else reader(each) for name, each in tree.items()}


def _writing(tree: Mapping[str, Any]) -> Redo:
    return lambda document, row: _written(tree, document, row)


def _written(tree: Mapping[str, Any], target: Any, row: int) -> Any:
    """The target with the fields of the tree: inside every element of an array, and in place of any other value."""
    if type(target) is list:
        return [_written(tree, element, row) for element in target]
    result = dict(target) if type(target) is dict else {}
    for name, each in tree.items():
        value = _written(each, result.get(name, MISSING), row) if type(each) is dict else each(row)
        if value is not MISSING:
            result[name] = value
        else:
            result.pop(name, None)
    return result


def _unwinding(step: Unwound, positions: list[int | None]) -> Redo:
    path, index = FieldPath(".".join(step.path), step.path), step.index

    def unwind(document: Document, row: int) -> Document:
        position = positions[row]
        value = get(document, path)
        if position is not None:
            document = with_value(document, path.parts, value[position])
        elif type(value) is list:
            document = with_value(document, path.parts, MISSING)
        return document if index is None else with_value(document, index, _long(position))

    return unwind


def _long(number: int | None) -> Int64 | None:
    return None if number is None else Int64(number)


def _joining(step: Joined, ids: list[Any], partners: Partners) -> Redo:
    path = step.path
    if not step.is_array:
        found = partners(step.collection, {each for each in ids if each is not None})
        return lambda document, row: with_value(document, path, MISSING if ids[row] is None else found[ids[row]])
    found = partners(step.collection, {each for few in ids for each in few or ()})

    def join(document: Document, row: int) -> Document:
        held = held_partners(step.collection, (found[each] for each in ids[row] or ()))
        return with_value(document, path, held)

    return join
