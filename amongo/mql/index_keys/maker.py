"""The maker of one index's keys: from a document to key bytes, and from a clash of keys to its error.

The engine calls it for every document that is written to a collection with secondary indexes. Source: manual, Indexes,
Unique Indexes, Partial Indexes, Sparse Indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from amongo.errors import ServerError
from amongo.errors import index as errors
from amongo.mql.index_keys.cutting import Cut
from amongo.mql.index_keys.paths import NO_ARRAYS, Arrays, Combination
from amongo.values.collation import hidden
from amongo.values.deprecated import UNDEFINED
from amongo.values.key_bytes import descending, key_bytes
from amongo.values.key_values import key_values, type_bits
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.wording import shown

Document = dict[str, Any]
Combinations = Callable[[Document], Iterable[Combination]]


class Made(NamedTuple):
    """The keys of a document in one index.

    keys          each once, in no order, with its type bits (`values.key_values`)
    is_multikey   an array on the way gave them, or there are several
    arrays        where arrays were on the way
    """

    keys: Mapping[bytes, bytes]
    is_multikey: bool
    arrays: Arrays = NO_ARRAYS


NO_KEYS = Made({}, False)
_WHOLE_ARRAY: Final[Arrays] = frozenset({(0, 0)})


@dataclass(frozen=True, slots=True)
class KeyMaker:
    """Makes the keys of one index.

    definition     the index, as listIndexes shows it
    combinations   the values of the keys of a document
    directions     for each value, whether it ascends (1) or descends (-1)
    collators      for each value, how its strings compare
    accepts        the bound filter of a partial index; None for none
    single         the one field of the commonest kind of index, by its name; None for others
    cut            what cuts the key out of a document's bytes; None where an index needs the document
    is_decodable   whether keys give back the values that they were made of
    """

    definition: Mapping[str, Any]
    combinations: Combinations
    directions: tuple[int, ...]
    collators: tuple[Collator | None, ...]
    accepts: Callable[[Document], bool] | None
    single: str | None
    cut: Cut | None
    is_decodable: bool

    def keys(self, document: Document) -> Made:
        """The keys of a document.

        errors   PARALLEL_ARRAYS, AMBIGUOUS_FIELD, HASHED_ARRAY, WILDCARD_PREFIX_ARRAY, and those of geometry
        """
        if self.accepts is not None and not self.accepts(document):
            return NO_KEYS
        if self.single is not None:
            value = document.get(self.single, MISSING)
            if type(value) is list:
                return self._of_elements(value or [UNDEFINED])
            if value is not MISSING:
                key = key_bytes(value, self.collators[0])
                return Made({key if self.directions[0] > 0 else descending(key): type_bits((value,))}, False)
        keys: dict[bytes, bytes] = {}
        arrays = NO_ARRAYS
        for combination in self.combinations(document):
            key = self.key(combination.values)
            if key not in keys:
                keys[key] = type_bits(combination.values) if self.is_decodable else b""
            if not combination.arrays <= arrays:
                arrays |= combination.arrays  # type: ignore[operator]
        return Made(keys, bool(arrays) or len(keys) > 1, arrays)

    def _of_elements(self, elements: Sequence[Any]) -> Made:
        """The keys of an array in the one field of an index."""
        collator, is_ascending = self.collators[0], self.directions[0] > 0
        keys: dict[bytes, bytes] = {}
        for element in elements:
            key = key_bytes(element, collator)
            keys.setdefault(key if is_ascending else descending(key), type_bits((element,)))
        return Made(keys, True, _WHOLE_ARRAY)

    def values(self, key: bytes, types: bytes) -> list[Any] | None:
        """The values of a key, one for each direction, of the types that they had; None if it does not hold them.

        types   the type bits
        """
        if not self.is_decodable:
            return None
        return key_values(key, self.directions, types, [collator is not None for collator in self.collators])

    def key(self, values: Sequence[Any]) -> bytes:
        """The key of these values, one for each field."""
        return b"".join(
            [
                key_bytes(value, collator) if direction > 0 else descending(key_bytes(value, collator))
                for value, direction, collator in zip(values, self.directions, self.collators, strict=True)
            ]
        )

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of a key by the names of their fields; of a wildcard `$_path`, and the value by its path."""
        names = list(self.definition["key"])
        if len(values) > len(names):
            place = next(number for number, name in enumerate(names) if name.endswith("$**"))
            names[place : place + 1] = ["$_path", str(values[place])]
        return dict(zip(names, values, strict=True))

    def duplicate(self, namespace: str, document: Document, key: bytes) -> ServerError:
        """The error of a document one of whose keys, this one, another document has in a unique index."""
        values = next(each.values for each in self.combinations(document) if self.key(each.values) == key)
        found = self.named(values)
        collation = self.definition.get("collation")
        extra: dict[str, Any] = {"keyPattern": self.definition["key"], "keyValue": found}
        if collation:
            found = {
                name: hidden(value, collator)
                for (name, value), collator in zip(found.items(), self.collators, strict=True)
            }
            extra |= {"keyValue": found, "collation": collation}
        return errors.DUPLICATE(
            namespace=namespace,
            index=self.definition["name"],
            collation=f" collation: {shown(collation)}" if collation else "",
            key=shown(found),
            extra=extra,
        )
