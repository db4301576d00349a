"""The entries of an index: an overlay in memory over layers that change no more, and how they look at one moment.

What is added lies in the overlay. What is taken out is taken out of the overlay if it was added there; if it lies in a
layer below, the overlay gets a removal mark. An index without layers below (every one of a memory store) has no marks.
`freeze` makes a layer of the overlay, and `settle` puts a file in the place of layers; see `layers`.

Only the store calls the methods of `Entries`, under its lock. Every change may be repeated, after a word of `doubt`.
(An entry of the overlay that is taken out twice leaves a mark that marks nothing; the count is one too low then, and
nothing else.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from amongo.engine.indexes.chunks import NO_CHUNKS, Chunks, ChunksView
from amongo.engine.indexes.entry import entry_of, key_of, record_id_of
from amongo.engine.indexes.layers import BEHIND_ALL, EntriesLayer, FrozenLayer, between, between_backward


class EntriesView:
    """The entries of an index at one moment: immutable, safe to read on any thread."""

    __slots__ = ("_layers", "_only")

    def __init__(self, layers: tuple[EntriesLayer, ...]) -> None:
        self._layers = layers
        self._only = layers[0] if len(layers) == 1 else None

    @property
    def layers(self) -> tuple[EntriesLayer, ...]:
        """What it is made of, newest first."""
        return self._layers

    def __len__(self) -> int:
        marks = sum(layer.removed_count for layer in self._layers[:-1])
        return max(sum(map(len, self._layers)) - marks, 0)

    def __iter__(self) -> Iterator[bytes]:
        """All entries, ascending."""
        return self.between(b"", BEHIND_ALL)

    def between(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, ascending."""
        return between(self._layers, low, high) if self._only is None else self._only.between(low, high)

    def between_backward(self, low: bytes, high: bytes) -> Iterator[bytes]:
        """The entries with low <= entry < high, descending."""
        if self._only is not None:
            return self._only.between_backward(low, high)
        return between_backward(self._layers, low, high)

    def at_or_after(self, low: bytes) -> bytes | None:
        """The first entry that is not less than `low`; None if there is none."""
        if self._only is not None:
            return self._only.at_or_after(low)
        return next(between(self._layers, low, BEHIND_ALL), None)

    def count_between(self, low: bytes, high: bytes) -> int:
        """How many entries have low <= entry < high, by their positions: never too few, and exact unless the range has
        removal marks; see `is_exact`."""
        return sum(layer.count_between(low, high) for layer in self._layers)

    def is_exact(self, low: bytes, high: bytes) -> bool:
        """Whether no removal mark makes `count_between` say more than there are."""
        return all(next(layer.removed_between(low, high), None) is None for layer in self._layers[:-1])

    def records_with(self, key: bytes) -> Iterator[int]:
        """The records that have this key, ascending."""
        return map(record_id_of, self.between(key, key + BEHIND_ALL))


class Entries(Chunks):
    """The entries of an index.

    layers   what lies below the overlay, newest first
    keys     those of the overlay, where the index is unique; None where it is not
    """

    __slots__ = ("_has_twins", "_marks", "_whole", "keys", "layers")

    def __init__(self, *, is_unique: bool = False) -> None:
        """
        is_unique   remember the keys, so that one that is taken is found at once
        """
        super().__init__()
        self.layers: tuple[EntriesLayer, ...] = ()
        self.keys: set[bytes] | None = set() if is_unique else None
        self._has_twins = False  # some key may have been entered for two records
        self._marks: Chunks | None = None
        self._whole: tuple[ChunksView, ChunksView, EntriesView] | None = None

    # Looking

    def view(self) -> EntriesView:
        """The entries as they are now."""
        overlay, marks = self.chunks_view(), NO_CHUNKS if self._marks is None else self._marks.chunks_view()
        whole = self._whole
        if whole is not None and whole[0] is overlay and whole[1] is marks:
            return whole[2]
        layers = self.layers
        if overlay or marks or not layers:
            layers = (FrozenLayer(overlay, marks, None), *layers)
        view = EntriesView(layers)
        self._whole = overlay, marks, view
        return view

    def has_key(self, key: bytes) -> bool:
        """Whether a record has this key."""
        keys = self.keys
        if keys is not None and key not in keys:
            for layer in self.layers:
                if layer.has_key(key):
                    break
            else:
                return False
        return self.record_with(key) is not None

    def record_with(self, key: bytes) -> int | None:
        """A record that has this key, the first of the newest layer that knows one; None if there is none."""
        if self.keys is None or key in self.keys:
            entry = self.at_or_after(key)
            if entry is not None and entry.startswith(key):
                return record_id_of(entry)
        for age, layer in enumerate(self.layers):
            for record_id in layer.has_key(key):
                if not self._is_removed(key, record_id, self.layers[:age]):
                    return record_id
        return None

    def records_with(self, key: bytes) -> Iterator[int]:
        """The records that have this key, ascending."""
        return self.view().records_with(key)

    def is_free(self, keys: Sequence[bytes]) -> bool:
        """Whether no record has any of these keys: cheap for many at once; False where that is not known at once."""
        if self.keys is None or not self.keys.isdisjoint(keys):
            return False
        return all(layer.lacks_all(keys) or not any(map(layer.has_key, keys)) for layer in self.layers)

    def _is_removed(self, key: bytes, record_id: int, layers: Sequence[EntriesLayer]) -> bool:
        """Whether the overlay or one of these layers has a mark for the entry of a key and a record."""
        low, high = entry_of(key, record_id), entry_of(key, record_id + 1)
        if self._marks is not None and next(self._marks.chunks_view().between(low, high), None) is not None:
            return True
        return any(next(layer.removed_between(low, high), None) is not None for layer in layers)

    # Changing

    def enter(self, key: bytes, entry: bytes) -> None:
        """Enter an entry that is not in.

        key   that of the entry
        """
        keys = self.keys
        if keys is not None:
            if key in keys:
                self._has_twins = True
            keys.add(key)
        self.add(entry)

    def doubt(self) -> None:
        """A change that broke off is about to be made again."""
        super().doubt()
        if self._marks is not None:
            self._marks.doubt()

    def extend(self, keys: Sequence[bytes], entries: list[bytes]) -> None:
        """Enter several, none of which is in, with their keys."""
        self.remember(keys)
        self.add_all(entries)

    def remember(self, keys: Sequence[bytes]) -> None:
        """Take note of keys whose entries are about to come."""
        known = self.keys
        if known is not None:
            count = len(known)
            known.update(keys)
            self._has_twins = self._has_twins or len(known) != count + len(keys)

    def taken(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of the keys that are remembered already."""
        return set() if self.keys is None else self.keys.intersection(keys)

    def discard(self, entry: bytes) -> bool:
        """Take an entry out, if it is in; whether it was in the overlay."""
        if super().discard(entry):
            keys = self.keys
            if keys is not None:
                key = key_of(entry)
                twin = self.at_or_after(key) if self._has_twins else None
                if twin is None or not twin.startswith(key):
                    keys.discard(key)
            return True
        if self.layers and self._marks is not None:
            self._marks.add(entry)
        return False

    # Layers

    @property
    def has_news(self) -> bool:
        """Whether anything was entered or marked since the last `freeze`."""
        return bool(self._chunks or self._waiting or (self._marks is not None and self._marks.chunks_view()))

    def freeze(self) -> FrozenLayer:
        """Make a layer of the overlay, the newest one, and go on with an empty overlay; the layer. It takes no time."""
        marks = NO_CHUNKS if self._marks is None else self._marks.chunks_view()
        frozen = FrozenLayer(self.chunks_view(), marks, self.keys)
        keys: set[bytes] | None = None if self.keys is None else set()
        layers, fresh_marks = (frozen, *self.layers), Chunks()
        # One statement, in which Python calls nothing: whatever comes in between, all of it is done or nothing.
        (self._chunks, self._firsts, self._sizes, self._view, self.keys, self._has_twins, self._marks, self.layers) = (
            [], [], [], NO_CHUNKS, keys, False, fresh_marks, layers,
        )  # fmt: skip
        self._whole = None
        return frozen

    def settle(self, frozen: Sequence[EntriesLayer], run: EntriesLayer | None) -> None:
        """Put a layer that says the same in the place of neighbouring ones; None if these say nothing.

        errors   ValueError if they are no layers, or no neighbours; nothing has changed then
        """
        places = {id(layer): place for place, layer in enumerate(self.layers)}
        found = [places.get(id(layer), -1) for layer in frozen]
        if not found or found[0] < 0 or found != list(range(found[0], found[0] + len(found))):
            raise ValueError("only neighbouring layers of an index can be settled together")
        above, below = self.layers[: found[0]], self.layers[found[-1] + 1 :]
        self.layers = (*above, *below) if run is None else (*above, run, *below)
        self._whole = None

    def stand_on(self, layers: Sequence[EntriesLayer]) -> None:
        """Begin with these layers: the opening of a store."""
        self.layers = tuple(layers)
        self._marks = Chunks() if layers else None
        self._whole = None
