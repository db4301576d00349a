"""Replacing all documents of a collection at once: what $out does with what comes out of its pipeline.

The documents go into a new collection with the options and indexes of the one that they replace, or into a new time
series. It takes the old one's name, and with it its place, when all are written; until then nobody sees anything of it
but a collection `tmp.agg_out.…`. Source: manual, $out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.clustered import check_record_key
from amongo.commands.insert import stored_document
from amongo.commands.namespaces import check_database_case
from amongo.commands.time_series import add_series, drop_series, find_series, insert_measurements, rename_series
from amongo.commands.time_series_options import parse_series_options
from amongo.commands.validation import check_inserted_raw
from amongo.commands.views import find_view
from amongo.commands.writing import duplicate_key
from amongo.engine.indexes import Definition
from amongo.engine.records import Collection, record_key
from amongo.errors import output as errors
from amongo.errors import view as view_errors
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import NAMESPACE_BYTES
from amongo.values.codec import encode
from amongo.values.order import equal
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_BATCH_COUNT: Final = 1000


def check_replaceable(instance: Instance, namespace: str, timeseries: dict[str, Any] | None) -> None:
    """Refuse a collection that $out cannot replace.

    timeseries   the options of a time series collection; None for a plain one, or for what is there
    errors       OUT_INVALID_TARGET, OUT_CAPPED, IS_A_VIEW, OUT_SERIES_OVER_COLLECTION, OUT_SERIES_OVER_VIEW,
                 OUT_SERIES_DIFFERS, DATABASE_DIFFERS_IN_CASE, those of `parse_series_options`
    """
    database, _, name = namespace.partition(".")
    catalog = instance.store.catalog
    asked = None if timeseries is None else parse_series_options(timeseries).document()
    if "$" in name or len(namespace.encode()) > NAMESPACE_BYTES:
        raise errors.OUT_INVALID_TARGET(namespace=namespace)
    check_database_case(database, catalog.databases())
    collection = catalog.get(namespace)
    if collection is not None:
        if asked is not None:
            raise errors.OUT_SERIES_OVER_COLLECTION()
        if collection.cap is not None:
            raise errors.OUT_CAPPED(namespace=namespace)
        return
    view = find_view(catalog, namespace)
    if view is None:
        return
    if not view.is_time_series:
        if asked is not None:
            raise errors.OUT_SERIES_OVER_VIEW(namespace=namespace)
        raise view_errors.IS_A_VIEW(namespace=namespace)
    existing = find_series(catalog, namespace).options["timeseries"]
    if asked is not None and asked != existing:
        raise errors.OUT_SERIES_DIFFERS(given=shown(asked), namespace=namespace)


class Replacing:
    """One $out.

    namespace    of the target
    timeseries   the options of a time series collection; None for a plain one, or for what is there
    """

    def __init__(
        self,
        instance: Instance,
        namespace: str,
        timeseries: dict[str, Any] | None,
        interrupt: Interrupt,
        is_validated: bool,
    ) -> None:
        self._instance = instance
        self._store = instance.store
        self._namespace = namespace
        self._interrupt = interrupt
        self._is_validated = is_validated
        self._new = f"{namespace.partition('.')[0]}.tmp.agg_out.{uuid.uuid4()}"
        self._options, self._indexes, self._is_series = self._described(timeseries)

    def run(self, documents: Iterable[dict[str, Any]]) -> None:
        """Put the documents in place of everything in the target.

        errors   DUPLICATE_KEY, VALIDATION_FAILED, those of inserts, OUT_TARGET_CHANGED; the target is as it was then
        """
        with self._store.lock:
            if self._is_series:
                add_series(self._store, self._new, self._options)
            else:
                self._store.create(self._new, {**self._options, "temp": True})
        try:
            collection = self._collection()
            if self._indexes:
                self._store.create_indexes(collection, self._indexes, self._interrupt)
            insert = self._insert_measurements if self._is_series else self._insert
            for raws in _batches(documents):
                self._interrupt.check()
                insert(collection, raws)
            self._take_place(collection)
        except BaseException:
            with self._store.lock:
                (drop_series if self._is_series else type(self._store).drop)(self._store, self._new)
            raise

    def _described(self, timeseries: dict[str, Any] | None) -> tuple[dict[str, Any], list[Definition], bool]:
        """(options, secondary indexes, whether it is a time series) of the collection that the target is to be."""
        catalog = self._store.catalog
        collection = catalog.get(self._namespace)
        is_series = timeseries is not None
        if collection is None and find_view(catalog, self._namespace) is not None:
            collection, is_series = find_series(catalog, self._namespace), True
        if collection is None:
            if timeseries is None:
                return {}, [], False
            return {"timeseries": parse_series_options(timeseries).document()}, [], True
        indexes = [each for name, each in collection.indexes.items() if name != "_id_" and not each.get("clustered")]
        return collection.options, indexes, is_series

    def _collection(self) -> Collection:
        if self._is_series:
            return find_series(self._store.catalog, self._new)
        return self._store.catalog.by_namespace[self._new]

    def _insert(self, collection: Collection, raws: list[bytes]) -> None:
        """Insert a batch as one commit.

        errors   DUPLICATE_KEY, VALIDATION_FAILED, DOCUMENT_TOO_LARGE, NESTED_TOO_DEEP, INVALID_ID_TYPE
        """
        raws = [stored_document(raw, self._instance) for raw in raws]
        for raw in raws:
            check_record_key(collection, raw)
            if collection.is_validated and self._is_validated:
                check_inserted_raw(self._instance, collection, raw)
        keys = [record_key(raw, collection.collator) for raw in raws]
        inserted = self._store.insert(collection, keys, raws, ordered=True, interrupt=self._interrupt)
        for position in inserted.duplicates:
            raise duplicate_key(collection, raws[position])
        for _, error in inserted.failures:
            raise error

    def _insert_measurements(self, collection: Collection, raws: list[bytes]) -> None:
        """Insert a batch into the time series as one commit.

        errors   NO_TIME, those of `stored_document`
        """
        _, failures, _ = insert_measurements(self._instance, self._new, raws, True, stored_document, self._interrupt)
        for _, error in failures:
            raise error

    def _take_place(self, collection: Collection) -> None:
        """Give the new collection the target's name.

        errors   OUT_TARGET_CHANGED
        """
        with self._store.lock:
            options, indexes, is_series = self._described(self._options.get("timeseries"))
            if is_series != self._is_series or not equal(options, self._options):
                raise errors.OUT_TARGET_CHANGED(what="options", namespace=self._namespace)
            if indexes != self._indexes:
                raise errors.OUT_TARGET_CHANGED(what="indexes", namespace=self._namespace)
            check_replaceable(self._instance, self._namespace, None)
            if self._is_series:
                rename_series(self._store, self._new, self._namespace)
            else:
                self._store.set_options(collection, self._options)
                self._store.rename(self._new, self._namespace)
        if any("expireAfterSeconds" in each for each in (self._options, *self._indexes)):
            self._instance.expiry.look()


def drop_temporary(instance: Instance) -> None:
    """Drop what an $out has left that was under way when the process ended."""
    store = instance.store
    for database in store.catalog.databases():
        for collection in list(store.catalog.collections(database)):
            if collection.options.get("temp"):
                store.drop(collection.namespace)


def _batches(documents: Iterable[dict[str, Any]]) -> Iterator[list[bytes]]:
    encoded = map(encode, documents)
    while batch := list(islice(encoded, _BATCH_COUNT)):
        yield batch
