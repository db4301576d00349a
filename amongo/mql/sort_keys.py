"""Sort patterns: parsed once, then one order-preserving key for each document.

A document sorts by the values its paths lead to; a missing field counts as null. Where an array is on the way, the
document has a key for each element: an ascending pattern takes the smallest, a descending one the largest. Two paths
into the same array move together, element by element; two different arrays in one pattern are an error.

Source: manual, sort (cursor), $sort, Comparison/Sort Order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bson.decimal128 import Decimal128

from amongo.errors import query as errors
from amongo.mql.metadata import metadata_field
from amongo.values.deprecated import UNDEFINED
from amongo.values.key_bytes import compound, descending, key_bytes
from amongo.values.numbers import to_double
from amongo.values.paths import field_path, is_index
from amongo.values.types import is_number
from amongo.values.wording import shown

Document = dict[str, Any]
Collator = Callable[[str], bytes]
Path = tuple[str, ...]

_META_SORTS: Final = frozenset({"textScore", "randVal", "searchScore", "vectorSearchScore", "score", "geoNearDistance"})


@dataclass(frozen=True, slots=True)
class SortPattern:
    """What to sort by.

    paths        the parts of each path, most significant path first; none for natural order
    directions   1 or -1 for each path
    natural      1 or -1 for `{$natural: …}`, the order of storage; 0 otherwise
    keywords     of the metadata among the paths; documents hold it under `metadata_field`
    """

    paths: tuple[Path, ...]
    directions: tuple[int, ...]
    natural: int = 0
    keywords: tuple[str, ...] = ()

    def key(self, document: Document, collator: Collator | None = None) -> bytes:
        """The document's sort key: the order of the bytes is the order of the pattern.

        collator   turns a string into its sort key under a collation
        errors     SORT_PARALLEL_ARRAYS
        """
        values = []
        for path in self.paths:
            value = document.get(path[0]) if len(path) == 1 else _walk(document, path)
            if type(value) is list:
                return min(compound(each, self.directions, collator) for each in _combinations(document, self.paths))
            values.append(value)
        if len(values) == 1:
            key = key_bytes(values[0], collator)
            return key if self.directions[0] > 0 else descending(key)
        return compound(values, self.directions, collator)

    def values(self, document: Document, collator: Collator | None = None) -> list[Any]:
        """The values that the document sorts by, in the order of the pattern.

        errors   SORT_PARALLEL_ARRAYS
        """
        return min(_combinations(document, self.paths), key=lambda each: compound(each, self.directions, collator))


def parse_sort(spec: dict[str, Any], *, is_stage: bool = False) -> SortPattern:
    """Parse a sort pattern.

    spec       field path -> 1 or -1, in order of significance; `{$natural: 1 or -1}` alone is the order of storage
    is_stage   True for the `$sort` stage, which has no `$natural` and needs a key
    errors     SORT_ILLEGAL_KEY, SORT_ILLEGAL_ORDER, SORT_NATURAL, SORT_EMPTY, SORT_NOT_META, SORT_META_EXTRA,
               SORT_META_UNKNOWN, and the path errors of `amongo.errors.value`
    source     manual, sort (cursor), $sort
    """
    if "$natural" in spec and not is_stage:
        if len(spec) > 1 or not is_number(spec["$natural"]) or abs(to_double(spec["$natural"])) != 1:
            raise errors.SORT_NATURAL()
        return SortPattern((), (), int(to_double(spec["$natural"])))
    if is_stage and not spec:
        raise errors.SORT_EMPTY()
    paths: list[Path] = []
    directions: list[int] = []
    keywords: list[str] = []
    for name, order in spec.items():
        if type(order) is dict:
            keywords.append(_keyword(order))
            paths.append((metadata_field(keywords[-1]),))
            directions.append(-1)  # the highest score comes first
        else:
            directions.append(_direction(name, order))
            paths.append(field_path(name).parts)
    return SortPattern(tuple(paths), tuple(directions), keywords=tuple(keywords))


def _direction(name: str, order: Any) -> int:
    """1 or -1, read as the server does: a double is cut (1.5 ascends), a decimal rounded (0.51 ascends)."""
    if not is_number(order):
        raise errors.SORT_ILLEGAL_KEY(path=name, value=shown(order))
    number = to_double(order)
    if not -2 < number < 2:
        raise errors.SORT_ILLEGAL_ORDER()
    direction = round(number) if type(order) is Decimal128 else int(number)
    if abs(direction) != 1:
        raise errors.SORT_ILLEGAL_ORDER()
    return direction


def _keyword(spec: dict[str, Any]) -> str:
    """The metadata that `{$meta: …}` sorts by; what documents do not carry counts as null."""
    if next(iter(spec), None) != "$meta":
        raise errors.SORT_NOT_META()
    if len(spec) > 1:
        raise errors.SORT_META_EXTRA()
    keyword = spec["$meta"]
    if type(keyword) is not str or keyword not in _META_SORTS:
        raise errors.SORT_META_UNKNOWN(value=shown(keyword))
    return keyword


def _walk(value: Any, path: Path) -> Any:
    """The value at the end of a path through documents, the array that stops it, or None."""
    for part in path:
        if type(value) is not dict:
            return value if type(value) is list else None
        value = value.get(part)
    return value


def _combinations(document: Document, paths: tuple[Path, ...]) -> Iterator[list[Any]]:
    """The values that a document with arrays has for these paths, one list for each element."""
    return _expand([(document, path, ()) for path in paths], ())


_Slot = tuple[Any, Path, Path]
"""A value, what is left to walk from it, and the way that led to it (to tell arrays apart)."""


def _expand(slots: list[_Slot], entered: Path) -> Iterator[list[Any]]:
    """Walk every slot to a value or an array; enter the array that they share, and go on for each element.

    entered   the way to the array whose element this is; an array found exactly there is a value
    errors    SORT_PARALLEL_ARRAYS
    """
    walked = [_step(*slot) for slot in slots]
    arrays = {way for value, _, way in walked if type(value) is list and way != entered}
    if not arrays:
        yield [value for value, _, _ in walked]
        return
    if len(arrays) > 1:
        raise errors.SORT_PARALLEL_ARRAYS()
    (array_way,) = arrays
    array = next(value for value, _, way in walked if way == array_way)
    for element in array or [None]:
        inner = []
        for value, rest, way in walked:
            if way != array_way:
                inner.append((value, rest, way))
            elif rest:
                inner.append((element if type(element) is dict else None, rest, way))
            else:
                inner.append((element if array else UNDEFINED, (), way))
        yield from _expand(inner, array_way)


def _step(value: Any, rest: Path, way: Path) -> _Slot:
    """Walk through documents, and to array elements that are named by their position, as far as it goes."""
    while rest:
        kind = type(value)
        if kind is dict:
            value = value.get(rest[0])
        elif kind is list and is_index(rest[0]) and int(rest[0]) < len(value):
            value = value[int(rest[0])]
        elif kind is list:
            break
        else:
            return None, (), way
        way = (*way, rest[0])
        rest = rest[1:]
    return value, rest, way
