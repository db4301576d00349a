"""The coming, changing and going of secondary indexes.

A new index is built without the lock, while others write (`indexes.build`); the commit of its definition puts it in
place. `dropIndexes` stops a build that is under way. Of what a checkpoint holds nothing is built at the opening.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from amongo.engine.checkpoints import Restored
from amongo.engine.commits import Commits
from amongo.engine.indexes import Build, Definition, Index, MakeKeys, Secondary, is_secondary
from amongo.engine.log import Log, MemoryLog
from amongo.engine.records import Collection, View
from amongo.engine.writes import CollectionDropped
from amongo.errors import index as errors
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.runtime.limits import INDEX_CATCH_UP_COUNT, INDEX_CATCH_UPS


def no_keys(definition: Definition) -> NoReturn:
    """What makes no keys: for stores that have no secondary indexes."""
    raise AssertionError(f"the store was opened without what makes the keys of '{definition['name']}'")


_DROPPED: Final = "the indexes were dropped while they were being built"


class IndexesChanged(Exception):
    """Indexes of the collection have come, gone or changed while others were being built; nothing was done."""


@dataclass(eq=False, slots=True)
class Building:
    """Indexes that are being built.

    before       the collection's definitions when it began
    is_aborted   whether they were dropped meanwhile
    """

    collection: Collection
    definitions: tuple[Definition, ...]
    before: Mapping[str, Definition]
    interrupt: Interrupt
    is_aborted: bool = False

    def parts(self) -> tuple[Collection, tuple[Definition, ...], Mapping[str, Definition], Interrupt]:
        """What is built where, and what may stop it."""
        return self.collection, self.definitions, self.before, self.interrupt

    def check(self) -> None:
        """End a build that is in vain. Under the lock. errors: BUILD_ABORTED"""
        if self.is_aborted:
            raise errors.BUILD_ABORTED(reason=_DROPPED)
        if self.collection.is_dropped:
            raise errors.BUILD_ABORTED(reason="the collection was dropped while it was being indexed")


class IndexCommits(Commits):
    """The commits of a store by which secondary indexes come, change and go."""

    def __init__(self, log: Log | MemoryLog, make_keys: MakeKeys) -> None:
        super().__init__(log)
        self._make_keys = make_keys
        self._builds: list[Building] = []

    def settle_indexes(self, collection: Collection, restored: Restored | None = None) -> None:
        """Build the secondary indexes of a collection that has their definitions alone: a new one, or at the opening.

        A document that an index cannot take has no keys there; it was taken once.

        restored   what the last checkpoint has of them: only what was written since is looked at
        """
        if collection.has_definitions_alone:
            return
        indexes = [Index(each, self._make_keys(each)) for each in collection.indexes.values() if is_secondary(each)]
        if not indexes:
            return
        kept = [index for index in indexes if restored is not None and index.name in restored.layers]
        for index in kept:
            assert restored is not None
            index.recall(restored.facts[index.name], restored.layers[index.name])
        new = [index for index in indexes if index not in kept]
        view = collection.view()
        if kept and restored is not None:
            Build(collection.namespace, kept, is_lenient=True, seen=restored.view).catch_up(view)
        if new:
            Build(collection.namespace, new, is_lenient=True).catch_up(view)
        collection.set_indexes(collection.indexes, Secondary(indexes))

    def create_indexes(
        self,
        collection: Collection,
        definitions: Sequence[Definition],
        interrupt: Interrupt = NEVER,
        *,
        before: Mapping[str, Definition] | None = None,
    ) -> int:
        """Build indexes and add them to a collection as one commit; its sequence.

        interrupt   ends it before the commit, never after
        before      the collection's definitions when it was found that these are missing; None for the present ones
        errors      CollectionDropped; IndexesChanged if others have come or gone meanwhile that matter to these;
                    BUILD_ABORTED if it was stopped, or the collection dropped meanwhile; ServerError for a document
                    that an index cannot take, or for keys of a unique one that several documents have
        """
        self.admission.check(collection.namespace)
        building = Building(collection, tuple(definitions), collection.indexes if before is None else before, interrupt)
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            self._builds.append(building)
        try:
            sequence = self._build_indexes(building)
            self._built(collection)
            return sequence
        except OperationInterrupted:
            if building.is_aborted:
                raise errors.BUILD_ABORTED(reason=_DROPPED) from None
            raise
        finally:
            with self.lock:
                self._builds.remove(building)

    def _built(self, collection: Collection) -> None:
        """Indexes of a collection have been built, which the next opening would have to do again."""

    def _build_indexes(self, building: Building) -> int:
        collection, definitions, _, interrupt = building.parts()
        kept = () if collection.has_definitions_alone else definitions
        indexes = [Index(definition, self._make_keys(definition)) for definition in kept]
        build = Build(collection.namespace, indexes)
        while True:
            seen = self._catch_up(build, collection, interrupt)
            with self.lock:
                if collection.view().layers == seen.layers:
                    return self._finish_build(building, build)
            # A checkpoint has moved the records meanwhile: to see that they are the same takes long.

    def _catch_up(self, build: Build, collection: Collection, interrupt: Interrupt) -> View:
        """Enter what was written meanwhile, until little is left; what was seen last."""
        for _ in range(INDEX_CATCH_UPS):
            with self.lock:
                view = collection.view()
            if build.catch_up(view, interrupt) <= INDEX_CATCH_UP_COUNT:
                break
        return view

    def _finish_build(self, building: Building, build: Build) -> int:
        """Add built indexes to their collection. Under the lock."""
        collection, definitions, before, interrupt = building.parts()
        indexes = build.indexes
        building.check()
        if collection.indexes != before:
            raise IndexesChanged
        view = collection.view()
        build.catch_up(view, interrupt)
        build.check_unique(view)
        name = collection.namespace.partition(".")[2]
        had: dict[str, Any] = {"documents": collection.count}
        entries = [
            self._catalog_entry(collection.namespace, collection.uuid, {"createIndexes": name, **definition}, had)
            for definition in definitions
        ]
        found = () if collection.secondary is None else collection.secondary.indexes
        all_definitions = collection.indexes | {definition["name"]: definition for definition in definitions}
        secondary = Secondary([*found, *indexes]) if found or indexes else None
        return self._commit(entries, collection.set_indexes, all_definitions, secondary)

    def definitions_in_work(self, collection: Collection) -> list[tuple[Definition, ...]]:
        """The definitions of the indexes that are being built on a collection, those of one build together."""
        with self.lock:
            return [each.definitions for each in self._builds if each.collection is collection]

    def abort_builds(self, collection: Collection, names: Iterable[str]) -> None:
        """Stop the builds of all these indexes on a collection; those who wait for them get BUILD_ABORTED."""
        wanted = set(names)
        with self.lock:
            for building in self._builds:
                if building.collection is collection and {each["name"] for each in building.definitions} <= wanted:
                    building.is_aborted = True
                    building.interrupt.stop(_DROPPED)

    def drop_indexes(self, collection: Collection, names: Sequence[str]) -> int:
        """Remove secondary indexes from a collection as one commit; its sequence.

        errors   CollectionDropped
        """
        self.admission.check(collection.namespace)
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            name = collection.namespace.partition(".")[2]
            namespace, identity, definitions = collection.namespace, collection.uuid, collection.indexes
            entries = [
                self._catalog_entry(namespace, identity, {"dropIndexes": name, "index": each}, definitions[each])
                for each in names
            ]
            left = {each: definition for each, definition in definitions.items() if each not in names}
            found = () if collection.secondary is None else collection.secondary.indexes
            indexes = [index for index in found if index.name not in names]
            return self._commit(entries, collection.set_indexes, left, Secondary(indexes) if indexes else None)

    def change_index(
        self,
        collection: Collection,
        definition: Definition,
        options: tuple[dict[str, Any], dict[str, Any]] | None = None,
    ) -> int:
        """Give the index of this name other options that leave its keys as they are (collMod); the sequence.

        definition   the whole new one: hidden, expireAfterSeconds, prepareUnique and unique may differ. That no
                     two documents have one key is the caller's to see, by `Index.duplicates`
        options      (those of the collection, those that were asked for) where they are changed in the same commit
        errors       CollectionDropped
        """
        self.admission.check(collection.namespace)
        with self.lock:
            if collection.is_dropped:
                raise CollectionDropped
            name, namespace, identity = collection.namespace.partition(".")[2], collection.namespace, collection.uuid
            before: dict[str, Any] = {"options": collection.options}
            entries = []
            if options is not None:
                command = {"collMod": name, "options": options[0]}
                entries.append(self._catalog_entry(namespace, identity, command, before | {"asked": options[1]}))
            before["index"] = collection.indexes[definition["name"]]
            command = {"collMod": name, "index": definition}
            entries.append(self._catalog_entry(namespace, identity, command, before))
            definitions, secondary = collection.indexes | {definition["name"]: definition}, None
            if collection.secondary is not None:
                maker = self._make_keys(definition)
                secondary = Secondary(
                    [
                        index.redefined(definition, maker) if index.name == definition["name"] else index
                        for index in collection.secondary.indexes
                    ]
                )

            def change() -> None:
                if options is not None:
                    collection.set_options(options[0])
                collection.set_indexes(definitions, secondary)

            return self._commit(entries, change)
