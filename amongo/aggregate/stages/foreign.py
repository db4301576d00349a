"""The other collection of $lookup and $unionWith: how its name is checked, and documents looked up by value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amongo.aggregate.environment import Document
from amongo.errors import pipeline as errors
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.values.deprecated import Undefined
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, expand


def check_collection_name(name: str) -> str:
    """The name, if a collection may have it.

    errors   INVALID_NAMESPACE
    """
    if not name or "\0" in name or name.startswith("."):
        raise errors.INVALID_NAMESPACE(namespace=name)
    return name


class ValueIndex:
    """Documents by the values that an equality filter on a path would find them with; built once for one run.

    documents   what is looked up, in the order in which hits come out
    path        the foreign field
    interrupt   checked while the index is built
    """

    def __init__(
        self, documents: list[Document], path: FieldPath, collator: Collator | None, interrupt: Interrupt = NEVER
    ) -> None:
        self._documents = documents
        self._collator = collator
        self._positions: dict[bytes, list[int]] = {}
        for position, document in enumerate(interrupt.watch(documents)):
            for key in {self._key(value) for value in expand(document, path)}:
                self._positions.setdefault(key, []).append(position)

    def find(self, values: Iterator[Any]) -> list[Document]:
        """The documents that hold any of the values, each once, in order."""
        hits: set[int] = set()
        for value in values:
            hits.update(self._positions.get(self._key(value), ()))
        return [self._documents[position] for position in sorted(hits)]

    def _key(self, value: Any) -> bytes:
        if value is MISSING or type(value) is Undefined:
            value = None
        return key_bytes(value, self._collator)


def local_values(document: Document, path: FieldPath) -> Iterator[Any]:
    """The values that $lookup looks for: what the path reaches, an array at its end element by element; else null."""
    is_empty = True
    for value in expand(document, path, leaf_arrays=False):
        if type(value) is list:
            yield from value
            is_empty = is_empty and not value
        elif value is not MISSING:
            yield value
            is_empty = False
    if is_empty:
        yield None
