"""The whole store at one commit.

A moment holds every collection as it is then (`records.standing`), taken together under the store's lock. Its catalog
makes forks of them, collections of their own, when somebody first asks for one. Who writes to a fork writes to nothing
else: the next one who wants the moment takes another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TypeVar

from amongo.engine.catalog import Catalog
from amongo.engine.records import Collection, Standing, forked, standing_of

K = TypeVar("K", str, bytes)


class Standings:
    """What all collections of a store hold at one moment.

    sequence       of the last commit before it
    by_namespace   the collections, in the order in which they are listed
    """

    __slots__ = ("__weakref__", "by_namespace", "sequence")

    def __init__(self, sequence: int, catalog: Catalog) -> None:
        """Under the store's lock."""
        self.sequence = sequence
        self.by_namespace = {namespace: standing_of(each) for namespace, each in catalog.by_namespace.items()}


class _Forks:
    """The forks of one moment that somebody has asked for."""

    __slots__ = ("made",)

    def __init__(self) -> None:
        self.made: dict[bytes, Collection] = {}

    def fork(self, standing: Standing) -> Collection:
        """The fork of a collection. Two threads that ask for the same at once get the same."""
        found = self.made.get(standing.uuid)
        return self.made.setdefault(standing.uuid, forked(standing)) if found is None else found


class _Collections(MutableMapping[K, Collection]):
    """Collections by their namespaces or their UUIDs, forked when they are first asked for."""

    __slots__ = ("_forks", "_found")

    def __init__(self, found: Mapping[K, Standing], forks: _Forks) -> None:
        self._found: dict[K, Standing | Collection] = dict(found)
        self._forks = forks

    def __getitem__(self, key: K) -> Collection:
        found = self._found[key]
        if isinstance(found, Collection):
            return found
        fork = self._found[key] = self._forks.fork(found)
        return fork

    def get(self, key: K, default: object = None) -> Collection | None:  # type: ignore[override]
        """As in a dictionary: one look-up."""
        found = self._found.get(key)
        if found is None or isinstance(found, Collection):
            return found
        return self[key]

    def __contains__(self, key: object) -> bool:
        return key in self._found

    def __setitem__(self, key: K, collection: Collection) -> None:
        self._found[key] = collection

    def __delitem__(self, key: K) -> None:
        del self._found[key]

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._found))

    def __len__(self) -> int:
        return len(self._found)


class ForkedCatalog(Catalog):
    """The collections of a store at a moment, and what becomes of them."""

    def __init__(self, standings: Mapping[str, Standing]) -> None:
        super().__init__()
        forks = _Forks()
        self._standings = {each.uuid: each for each in standings.values()}
        self.by_namespace = _Collections(standings, forks)
        self.by_uuid = _Collections(self._standings, forks)

    def collections(self, database: str) -> list[Collection]:
        """The collections of a database in the order of their creation."""
        prefix = database + "."
        found = (self.by_namespace.get(each) for each in self.by_namespace if each.startswith(prefix))
        return [each for each in found if each is not None]

    def standing(self, uuid: bytes) -> Standing | None:
        """What the collection with this UUID held at the moment; None if there was none."""
        return self._standings.get(uuid)


class Moment:
    """A store at one commit. It is read alone, unless whoever has it writes to the forks.

    sequence   of the last commit before it
    catalog    the forks
    """

    def __init__(self, standings: Standings) -> None:
        self.sequence = standings.sequence
        self.catalog = ForkedCatalog(standings.by_namespace)
        self._standings: Standings | None = standings

    def keep_changes(self) -> None:
        """Have it known which records are changed from now on. Under the store's lock, before anything is."""
        for each in () if self._standings is None else self._standings.by_namespace.values():
            each.follower.keeps_changes = True

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self._standings is not None

    def close(self) -> None:
        """Let go of it; forks that somebody still has live on. A second call does nothing."""
        self._standings = None
        self.catalog = ForkedCatalog({})

    def __enter__(self) -> Moment:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
