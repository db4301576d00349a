"""The scan of a hinted index between the keys that `min` and `max` name, in its order.

Source: manual, cursor.hint(), cursor.min(), cursor.max().
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, Final

from amongo.engine.indexes import Index, record_id_of
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.errors import query as errors
from amongo.mql.index_keys import KeyMaker, key_maker
from amongo.mql.sort_keys import SortPattern
from amongo.values.key_bytes import compound, has_strings
from amongo.values.missing import MISSING
from amongo.values.order import Collator, equal
from amongo.values.types import is_number
from amongo.values.wording import shown

Document = dict[str, Any]
Definition = Mapping[str, Any]

_BEHIND_ALL: Final = b"\xff"  # no key begins with this byte


@dataclass(frozen=True, slots=True)
class IndexScan:
    """A scan of one index.

    fields       of its key pattern
    maker        makes its keys
    index        its entries; None for the index on `_id`
    low, high    key bytes: keys with low <= key < high; None where there is no bound
    is_backward  from the last key to the first
    """

    fields: tuple[str, ...]
    maker: KeyMaker
    index: Index | None
    low: bytes | None = None
    high: bytes | None = None
    is_backward: bool = False

    def records(self, store: Store, collection: Collection) -> Iterator[tuple[int, bytes]]:
        """(record id, document bytes) of the documents that the index has between the bounds, in its order."""
        low, high = self.low or b"", self.high or _BEHIND_ALL
        with store.lock:
            view = collection.view()
            if self.index is None:
                id_order = collection.id_order()
                in_order = id_order.between_backward if self.is_backward else id_order.between
                ids: Iterable[int] = in_order(low, high)
            else:
                entries = self.index.entries.view()
                between = entries.between_backward if self.is_backward else entries.between
                ids = map(record_id_of, between(low, high))
                if self.index.is_multikey:
                    ids = dict.fromkeys(ids)
        for record_id in ids:
            raw = view.record(record_id)
            if raw is not None:
                yield record_id, raw

    def entry(self, document: Document) -> tuple[bytes, Sequence[Any]] | None:
        """(key, values) of the first entry that the document has between the bounds; None if it has none."""
        maker = self.maker
        if maker.accepts is not None and not maker.accepts(document):
            return None
        entries = ((maker.key(each.values), each.values) for each in maker.combinations(document))
        return min((entry for entry in entries if self._bounds(entry[0])), key=itemgetter(0), default=None)

    def _bounds(self, key: bytes) -> bool:
        return (self.low is None or self.low <= key) and (self.high is None or key < self.high)

    def key(self, document: Document) -> Document:
        """The key of the document as `returnKey` shows it."""
        entry = self.entry(document)
        return {} if entry is None else self.maker.named([None if each is MISSING else each for each in entry[1]])

    def gives_backward(self, pattern: SortPattern) -> bool:
        """Whether the scan from the last key to the first gives a sort pattern's order."""
        if self.index is None or self.index.is_multikey or len(pattern.paths) > len(self.fields):
            return False
        pairs = zip(pattern.paths, pattern.directions, self.fields, self.maker.directions, strict=False)
        return all(path == tuple(name.split(".")) and order == -own for path, order, name, own in pairs)

    def backward(self) -> IndexScan:
        """The same scan from the last key to the first."""
        return replace(self, is_backward=True)


def find_hinted(indexes: Mapping[str, Definition], hint: Any) -> Definition | None:
    """The definition of the index that a hint names, by its name or its key pattern; None if it names none.

    errors   HINT_AMBIGUOUS for a key pattern of several indexes
    """
    if type(hint) is str:
        found = indexes.get(hint)
        return None if found is None or found.get("hidden") else found
    if not hint or type(hint) is not dict or "$natural" in hint:
        return None
    matching = [each for each in indexes.values() if equal(each["key"], hint) and not each.get("hidden")]
    if len(matching) > 1:
        raise errors.HINT_AMBIGUOUS(one=shown(matching[0]), other=shown(matching[1]))
    return matching[0] if matching else None


def index_scan(
    collection: Collection,
    hint: Any,
    low: Document | None,
    high: Document | None,
    collator: Collator | None = None,
) -> IndexScan:
    """The scan of a hinted index that the bounds `min` and `max` ask for.

    collator     of the query
    errors       HINT_AMBIGUOUS, BOUNDS_WITHOUT_HINT, BOUNDS_WITH_NATURAL, BOUNDS_NOT_COMPATIBLE, BOUNDS_REVERSED
    """
    definition = find_hinted(collection.indexes, hint)
    if definition is None:
        is_natural = type(hint) is dict and "$natural" in hint
        raise errors.BOUNDS_WITH_NATURAL() if is_natural else errors.BOUNDS_WITHOUT_HINT()
    scan = _scan(collection, definition, low, high)
    for bound in (low, high):
        if bound and (
            not _is_ordered(definition) or list(bound) != list(scan.fields) or not _compares(scan, bound, collator)
        ):
            raise errors.BOUNDS_NOT_COMPATIBLE()
    if scan.low is not None and scan.high is not None and scan.low >= scan.high:
        raise errors.BOUNDS_REVERSED()
    return scan


def _compares(scan: IndexScan, bound: Document, collator: Collator | None) -> bool:
    """Whether the index orders the values of a bound as the query does: strings as its collation says."""
    return scan.maker.collators[0] is collator or not any(map(has_strings, bound.values()))


def range_scan(collection: Collection, key_pattern: Document, low: Document, high: Document) -> IndexScan | None:
    """The scan of an index of all documents that begins with a key pattern, between bounds on that; None without one.

    low, high   values of the key pattern's fields; nothing is found where they are the wrong way round
    """
    for definition in collection.indexes.values():
        if any(definition.get(name) for name in ("hidden", "sparse", "partialFilterExpression")):
            continue
        first = dict(list(definition["key"].items())[: len(key_pattern)])
        if equal(first, key_pattern) and _is_ordered(definition):
            return _scan(collection, definition, low, high)
    return None


def _scan(collection: Collection, definition: Definition, low: Document | None, high: Document | None) -> IndexScan:
    maker = key_maker(definition)
    index = None if collection.secondary is None else collection.secondary.named(definition["name"])
    return IndexScan(tuple(definition["key"]), maker, index, _bound(maker, low), _bound(maker, high))


def _bound(maker: KeyMaker, values: Document | None) -> bytes | None:
    """The bytes with which every key begins that has these values in its first fields."""
    if not values:
        return None
    parts = zip(values.values(), maker.directions, maker.collators, strict=False)
    return b"".join([compound([value], [direction], collator) for value, direction, collator in parts])


def check_bounds(low: Document | None, high: Document | None) -> None:
    """Refuse bounds of different fields.

    errors   BOUNDS_OF_DIFFERENT_FIELDS
    """
    if low and high and list(low) != list(high):
        raise errors.BOUNDS_OF_DIFFERENT_FIELDS()


def _is_ordered(definition: Definition) -> bool:
    """Whether the index has its keys in the order of the values themselves."""
    return all(is_number(order) and not name.endswith("$**") for name, order in definition["key"].items())
