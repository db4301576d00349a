"""What bounds depend on in an index: its fields, how each compares, and where arrays were on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Final

from amongo.mql.geo.plane_grid import PlaneGrid, plane_grid
from amongo.values.order import Collator
from amongo.values.paths import is_index


class Kind(Enum):
    """What a field of an index holds.

    ORDERED    the values themselves
    HASHED     their hashes
    WILDCARD   for each path to a value, the path and the value: two fields of the key
    SPHERE     numbers of the squares of the sphere that cover its places
    PLANE      those of the squares of the plane that its points lie in
    OPAQUE     words, which their own scan looks for
    """

    ORDERED = "ordered"
    HASHED = "hashed"
    WILDCARD = "wildcard"
    SPHERE = "2dsphere"
    PLANE = "2d"
    OPAQUE = "opaque"


PLACES: Final = (Kind.SPHERE, Kind.PLANE)


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of an index.

    path         the dotted path; of a wildcard with what stands for any path, `a.$**`
    kind         what it holds
    direction    1 or -1
    collator     how its strings compare
    arrays       the components of the path, by number, at which some document has an array
    is_sparse    the index leaves out documents without any of its fields
    grid         of a plane
    """

    path: str
    kind: Kind = Kind.ORDERED
    direction: int = 1
    collator: Collator | None = None
    arrays: frozenset[int] = frozenset()
    is_sparse: bool = False
    grid: PlaneGrid | None = None

    @property
    def is_multikey(self) -> bool:
        """Whether a document can have several keys by this field."""
        return bool(self.arrays)

    @property
    def is_dotted(self) -> bool:
        """Whether the path leads into documents."""
        return "." in self.path

    @property
    def has_places(self) -> bool:
        """Whether a component of the path can be a place in an array."""
        return has_places(self.path)


def has_places(path: str) -> bool:
    """Whether a component of a path, behind the first, can be a place in an array."""
    return "." in path and any(map(is_index, path.split(".")[1:]))


@dataclass(frozen=True)
class IndexShape:
    """An index.

    fields         in the order of the key pattern
    definition     as listIndexes shows it
    is_multikey    a document can have several keys
    array_paths    of a wildcard: the paths at which some document has an array; None if that is not known
    """

    fields: tuple[FieldShape, ...]
    definition: Mapping[str, Any]
    is_multikey: bool
    array_paths: frozenset[str] | None = None

    @cached_property
    def wildcard(self) -> int | None:
        """Which of the fields is a wildcard; None without one."""
        return next((number for number, field in enumerate(self.fields) if field.kind is Kind.WILDCARD), None)

    @cached_property
    def is_sparse(self) -> bool:
        """Whether documents without any of the fields are left out."""
        return bool(self.definition.get("sparse"))

    @cached_property
    def is_special(self) -> bool:
        """Whether it is of words or places, and leaves out the documents without any."""
        return any(field.kind in (Kind.OPAQUE, *PLACES) for field in self.fields)

    @cached_property
    def has_arrays(self) -> bool:
        """Whether there are arrays on the paths of its fields."""
        return any(field.arrays for field in self.fields)

    def arrays_on(self, path: str) -> frozenset[int]:
        """The components of a path of the wildcard, by number, at which some document has an array."""
        if not self.is_multikey:
            return frozenset()
        parts = path.split(".")
        if self.array_paths is None:
            return frozenset(range(len(parts)))
        return frozenset(at for at in range(len(parts)) if ".".join(parts[: at + 1]) in self.array_paths)


def index_shape(
    definition: Mapping[str, Any],
    directions: Sequence[int],
    collators: Sequence[Collator | None],
    *,
    is_multikey: bool,
    arrays: frozenset[tuple[int, int]] | frozenset[str] | None = None,
) -> IndexShape:
    """The shape of an index.

    definition              as listIndexes shows it
    directions, collators   of its keys' values, as `KeyMaker` has them: of a wildcard two
    is_multikey             some document has several keys
    arrays                  where arrays were, as `mql.index_keys.paths` says it; None if only `is_multikey` is known:
                            there may be arrays everywhere, then
    """
    pattern: Mapping[str, Any] = definition["key"]
    is_special = any(type(value) is str for value in pattern.values())
    is_sparse = bool(definition.get("sparse"))
    fields: list[FieldShape] = []
    array_paths: frozenset[str] | None = None
    place = 0
    for number, (path, order) in enumerate(pattern.items()):
        kind = _kind(path, order, is_special=is_special)
        found: frozenset[int] = frozenset()
        if kind is Kind.WILDCARD:
            place += 1
            array_paths = None if arrays is None else frozenset(each for each in arrays if isinstance(each, str))
        elif is_multikey and arrays is None:
            found = frozenset(range(path.count(".") + 1))
        elif is_multikey and arrays is not None:
            found = frozenset(each[1] for each in arrays if isinstance(each, tuple) and each[0] == number)
        grid = plane_grid(definition) if kind is Kind.PLANE else None
        fields.append(FieldShape(path, kind, directions[place], collators[place], found, is_sparse, grid))
        place += 1
    return IndexShape(tuple(fields), definition, is_multikey, array_paths)


_NAMED: Final = {"hashed": Kind.HASHED, "2dsphere": Kind.SPHERE, "2d": Kind.PLANE}


def _kind(path: str, order: Any, *, is_special: bool) -> Kind:
    if type(order) is str:
        return _NAMED.get(order, Kind.OPAQUE)
    if not is_special and path.endswith("$**"):
        return Kind.WILDCARD
    return Kind.ORDERED
