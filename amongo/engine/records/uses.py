"""How often a collection is read in which way: by its indexes, and by scans of the whole."""

from __future__ import annotations

from amongo.engine.indexes import ID_INDEX_NAME, Definition


class Uses:
    """Counts since the store was opened, or since the collection or the index was made.

    point_reads      documents asked for by their `_id`, without a plan
    scans            scans in natural order
    tailable_scans   of these, those of tailable cursors
    """

    __slots__ = ("_by_index", "point_reads", "scans", "tailable_scans")

    def __init__(self) -> None:
        self.point_reads = 0
        self.scans = 0
        self.tailable_scans = 0
        self._by_index: dict[str, tuple[Definition, int]] = {}

    def count_index(self, definition: Definition) -> None:
        """Note that a query uses this index."""
        self._by_index[definition["name"]] = (definition, self.of_index(definition) + 1)

    def of_index(self, definition: Definition) -> int:
        """How often this index was used; one that was changed or made anew begins at 0, as on the server."""
        counted = self._by_index.get(definition["name"])
        uses = counted[1] if counted is not None and counted[0] is definition else 0
        return uses + self.point_reads if definition["name"] == ID_INDEX_NAME else uses
