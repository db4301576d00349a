"""One who follows a store's history and keeps a catalog of its own by it, for comparison."""

from __future__ import annotations

from amongo.engine.catalog import Catalog
from amongo.engine.log import COMMIT, Frame, entry
from amongo.engine.replay import replay
from amongo.engine.store import Store

Shown = dict[str, list[tuple[int, bytes]]]


def shown(catalog: Catalog) -> Shown:
    """Every document, by record id, byte for byte."""
    return {namespace: list(collection.view()) for namespace, collection in sorted(catalog.by_namespace.items())}


class Follower:
    """Reads everything from the first commit on; leaves and comes back after every few commits.

    catalog     what follows from what it has read
    sequences   of what it has read
    """

    def __init__(self, store: Store, patience: int = 5) -> None:
        self.catalog = Catalog()
        self.sequences: list[int] = []
        self._store = store
        self._patience = patience
        self._reader = store.history.reader(0)

    def catch_up(self) -> int:
        """Read all that is visible; how many commits that was."""
        count = 0
        while commits := self._reader.next(3):
            frames = [
                Frame(each.sequence, each.wall_ms, COMMIT, b"".join(entry(*change) for change in each.entries))
                for each in commits
            ]
            replay(frames, self.catalog)
            self.sequences += [each.sequence for each in commits]
            count += len(commits)
            if len(self.sequences) % self._patience == 0:
                self._reader.close()
                self._reader = self._store.history.reader(self.sequences[-1])
        return count

    def check(self) -> None:
        """What was read leads to what the store shows, no more and no less."""
        self.catch_up()
        assert self.sequences == sorted(set(self.sequences))
        assert shown(self.catalog) == shown(self._store.catalog)
        options = {name: each.options for name, each in self._store.catalog.by_namespace.items()}
        assert {name: each.options for name, each in self.catalog.by_namespace.items()} == options
        last = self._store.history.last
        assert (self.sequences[-1] if self.sequences else 0) == last == self._store.last_sequence

    def close(self) -> None:
        """Read no more."""
        self._reader.close()
