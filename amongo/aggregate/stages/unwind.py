"""$unwind: one document for each element of an array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bson import Int64

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import pipeline as errors
from amongo.values.missing import MISSING
from amongo.values.paths import FieldPath, field_path, get
from amongo.values.types import alias


@dataclass(frozen=True, slots=True)
class Unwind(Stage):
    """Take an array apart.

    path      where the array is; a value that is no array counts as an array of that one value
    preserve  whether a document without elements there comes out once, instead of not at all
    index     where the element's position goes, if anywhere
    """

    path: FieldPath
    preserve: bool = False
    index: FieldPath | None = None

    def bind(self) -> Run:
        path, preserve, index = self.path, self.preserve, self.index

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            for document in documents:
                value = get(document, path)
                if type(value) is list and value:
                    for position, element in enumerate(environment.interrupt.watch(value)):
                        unwound = with_value(document, path.parts, element)
                        yield unwound if index is None else with_value(unwound, index.parts, Int64(position))
                elif value is not MISSING and value is not None and type(value) is not list:
                    yield document if index is None else with_value(document, index.parts, None)
                elif preserve:
                    if type(value) is list:
                        document = with_value(document, path.parts, MISSING)
                    yield document if index is None else with_value(document, index.parts, None)

        return run


def with_value(document: Document, parts: tuple[str, ...], value: Any) -> Document:
    """A copy of the document with another value at a path; what stands in the way of the path is replaced.

    value    MISSING takes the field away
    """
    name, rest = parts[0], parts[1:]
    if rest:
        below = document.get(name, MISSING)
        if type(below) is not dict:
            below = {}
        value = with_value(below, rest, value)
    if value is MISSING:
        return {field: kept for field, kept in document.items() if field != name}
    return {**document, name: value}


@stage("$unwind")
def parse_unwind(spec: Any, surroundings: Surroundings) -> Unwind:
    """One document for each element of an array.

    spec     "$path", or {path, includeArrayIndex: name, preserveNullAndEmptyArrays: bool}
    result   for each element the document with the element in the array's place (and its position as a long);
             a value that is no array stays; null, missing and [] give nothing unless preserved
    errors   UNWIND_SPEC_TYPE, UNWIND_PATH_TYPE, UNWIND_PATH_DOLLAR, UNWIND_PATH_NUL, UNWIND_WITHOUT_PATH,
             UNWIND_PRESERVE_TYPE, UNWIND_INDEX_TYPE, UNWIND_INDEX_DOLLAR, UNWIND_UNKNOWN_FIELD, path errors
    source   manual, $unwind
    """
    if type(spec) is str:
        spec = {"path": spec}
    elif type(spec) is not dict:
        raise errors.UNWIND_SPEC_TYPE(kind=alias(spec))
    path, preserve, index = "", False, None
    for field, value in spec.items():
        if field == "path":
            if type(value) is not str:
                raise errors.UNWIND_PATH_TYPE(kind=alias(value))
            path = value
        elif field == "preserveNullAndEmptyArrays":
            if type(value) is not bool:
                raise errors.UNWIND_PRESERVE_TYPE(kind=alias(value))
            preserve = value
        elif field == "includeArrayIndex":
            if type(value) is not str or not value:
                raise errors.UNWIND_INDEX_TYPE(kind=alias(value))
            if value.startswith("$"):
                raise errors.UNWIND_INDEX_DOLLAR(path=value)
            index = field_path(value)
        else:
            raise errors.UNWIND_UNKNOWN_FIELD(field=field)
    if not path:
        raise errors.UNWIND_WITHOUT_PATH()
    if not path.startswith("$"):
        raise errors.UNWIND_PATH_DOLLAR(path=path)
    if "\0" in path:
        raise errors.UNWIND_PATH_NUL()
    return Unwind(field_path(path[1:]), preserve, index)
