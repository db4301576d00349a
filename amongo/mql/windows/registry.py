"""Window functions: what they are, and every one by its name.

A window function sees a partition, the documents of one group in the order of a sort pattern, and gives one value for
each of them. It is parsed once into a frozen object, bound to a function of a partition, and run lazily.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amongo.errors import window as errors
from amongo.mql.expressions import Expression, Scope, parse_in
from amongo.mql.expressions.nodes import Document, FieldPath
from amongo.mql.sort_keys import SortPattern
from amongo.runtime.interrupts import Interrupt
from amongo.values.paths import FieldPath as Path


@dataclass(frozen=True, slots=True)
class Partition:
    """What a window function runs over.

    documents   in the order of the sort pattern, at least one
    variables   for the expressions
    interrupt   checked every 64 documents
    """

    documents: Sequence[Document]
    variables: Mapping[str, Any]
    interrupt: Interrupt


Run = Callable[[Partition], Iterator[Any]]
"""One value, or MISSING, for each document of a partition, in order."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a window function stands.

    scope   variables and collation for its expressions
    sort    the sort pattern of the partitions; None if none was given
    """

    scope: Scope
    sort: SortPattern | None

    def parse(self, spec: Any) -> Expression:
        """Parse an expression of the function."""
        return parse_in(spec, self.scope)

    @property
    def has_single_sort(self) -> bool:
        """Whether there is a sort pattern of exactly one path."""
        return self.sort is not None and len(self.sort.paths) == 1

    @property
    def is_sort_by_metadata(self) -> bool:
        """Whether the pattern asks for metadata instead of fields."""
        return self.sort is not None and bool(self.sort.keywords)

    def sorted_by(self) -> Expression:
        """The value that a pattern of one path sorts by."""
        assert self.sort is not None
        (parts,) = self.sort.paths
        return FieldPath(Path(".".join(parts), parts))


class WindowFunction(ABC):
    """A parsed window function."""

    __slots__ = ()

    @abstractmethod
    def bind(self) -> Run:
        """The function as `(partition) -> values`.

        errors   those of constant parts
        """


Parse = Callable[[Document, Setting], WindowFunction]

WINDOW_FUNCTIONS: dict[str, Parse] = {}
"""Name -> how to parse its output field, `{$name: argument, window: bounds}`. Filled by the decorator below."""

DOCUMENTATION: dict[str, str] = {}
"""Name -> docstring of the parse function: the reference pages are made from it."""


def register(name: str, parse: Parse, documentation: str | None) -> None:
    """Enter a window function; a second definition of a name is a programming error."""
    if name in WINDOW_FUNCTIONS:
        raise RuntimeError(f"{name} is defined twice")
    WINDOW_FUNCTIONS[name] = parse
    DOCUMENTATION[name] = documentation or ""


def window_function(name: str) -> Callable[[Parse], Parse]:
    """Register `(output field, setting) -> WindowFunction`."""

    def enter(parse: Parse) -> Parse:
        register(name, parse, parse.__doc__)
        return parse

    return enter


def parse_window_function(field: str, spec: Any, setting: Setting) -> WindowFunction:
    """Parse one output field of $setWindowFields.

    field    its name
    spec     {$function: argument, window: bounds}; the first field with a $ names the function
    errors   FUNCTION_NOT_OBJECT, UNKNOWN_FUNCTION, NO_FUNCTION, those of the function
    source   manual, $setWindowFields
    """
    if type(spec) is not dict:
        raise errors.FUNCTION_NOT_OBJECT(field=field)
    for name in spec:
        if name.startswith("$"):
            parse = WINDOW_FUNCTIONS.get(name)
            if parse is None:
                raise errors.UNKNOWN_FUNCTION(name=name)
            return parse(spec, setting)
    first = next(iter(spec), "")
    raise errors.NO_FUNCTION(found=f", {first}" if first else "")
