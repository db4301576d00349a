"""Updates and deletes of measurements.

A measurement is written once: only its metadata can be changed, of all measurements that some metadata has, which is
how the server changes a bucket. It can be deleted by any filter. Source: manual, Time Series Collection Limitations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from amongo.commands.time_series import find_series, measurement_of, stored_measurements, with_measurement
from amongo.commands.time_series_options import SeriesOptions
from amongo.commands.views import find_view
from amongo.commands.writing import delete_found
from amongo.engine.catalog import Catalog
from amongo.engine.origin import with_image
from amongo.engine.records import Collection
from amongo.engine.store import Change
from amongo.errors import command as command_errors
from amongo.errors import time_series as errors
from amongo.errors import view as view_errors
from amongo.mql.updates import Update
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import DOCUMENT_BYTES, UPDATE_BATCH_COUNT, WRITE_ATTEMPTS
from amongo.values.codec import decode, encode_in_order

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.commands.update import UpdateStatement

Matches = Callable[[dict[str, Any]], bool] | None

_LOGICAL = frozenset({"$and", "$or", "$nor"})
_REFUSED = ("$expr", "$where")


class Written(NamedTuple):
    """What a write to a time series has done.

    matched    measurements that matched
    modified   measurements that were changed or deleted
    sequence   the last commit; 0 if nothing was written
    """

    matched: int
    modified: int
    sequence: int


def written_series(catalog: Catalog, namespace: str) -> Collection | None:
    """The collection of the time series of this namespace; None if nothing has the name. Call it where no collection
    has it.

    errors   IS_A_VIEW
    """
    view = find_view(catalog, namespace)
    if view is None:
        return None
    if not view.is_time_series:
        raise view_errors.IS_A_VIEW(namespace=namespace)
    return find_series(catalog, namespace)


# What an update may be


def check_series_update(collection: Collection, statement: UpdateStatement) -> None:
    """Refuse an update that does anything but change the metadata of measurements chosen by their metadata.

    errors   NOT_MULTI, NO_UPSERT, NOT_BY_PIPELINE, NOT_BY_REPLACEMENT, NO_META_FIELD, QUERY_NOT_META, UPDATE_NOT_META,
             OPERATOR_NOT_IN_UPDATE
    """
    if not statement.multi:
        raise errors.NOT_MULTI()
    if statement.upsert:
        raise errors.NO_UPSERT()
    if type(statement.update) is not dict:
        raise errors.NOT_BY_PIPELINE()
    if not next(iter(statement.update), "").startswith("$"):
        raise errors.NOT_BY_REPLACEMENT()
    meta = SeriesOptions.of(collection.options["timeseries"]).meta_field
    if meta is None:
        raise errors.NO_META_FIELD()
    _check_filter(statement.filter, meta)
    for operator, fields in statement.update.items():
        for path, value in fields.items() if type(fields) is dict else ():
            if not _is_below(path, meta) or (operator == "$rename" and not _is_below(value, meta)):
                raise errors.UPDATE_NOT_META(field=meta)


def _check_filter(filter: Mapping[str, Any], meta: str) -> None:
    for name, condition in filter.items():
        if name in _REFUSED:
            raise errors.OPERATOR_NOT_IN_UPDATE(name=name)
        if name in _LOGICAL:
            for each in condition if type(condition) is list else ():
                if type(each) is dict:
                    _check_filter(each, meta)
        elif name == "$jsonSchema" and type(condition) is dict:
            _check_schema(condition, meta)
        elif not name.startswith("$") and not _is_below(name, meta):
            raise errors.QUERY_NOT_META(field=meta)


def _check_schema(schema: Mapping[str, Any], meta: str) -> None:
    """A schema speaks of the metadata alone."""
    for part in ("required", "properties"):
        names = schema.get(part)
        if type(names) in (list, dict) and any(name != meta for name in names or ()):
            raise errors.QUERY_NOT_META(field=meta)


def _is_below(path: Any, meta: str) -> bool:
    return type(path) is str and path.partition(".")[0] == meta


# Writing


def update_measurements(
    instance: Instance, collection: Collection, matches: Matches, update: Update, interrupt: Interrupt
) -> Written:
    """Update every measurement that matches; a commit holds up to 1000.

    errors   those of the update's operators; UPDATED_TOO_LARGE, WRITE_CONFLICT
    """
    matched = modified = sequence = 0

    def changed(record_id: int, raw: bytes) -> Change | None:
        document = decode(measurement_of(raw))
        now, timestamp = instance.moment()
        after, _ = update.apply(document, now=now, clock_timestamp=timestamp, array_index=None)
        if after is None:
            return None
        new = with_measurement(raw, encode_in_order(after))
        if len(new) > DOCUMENT_BYTES:
            raise command_errors.UPDATED_TOO_LARGE(limit=DOCUMENT_BYTES)
        return Change(record_id, raw, new, None)

    pending: list[Change] = []

    def commit() -> None:
        nonlocal modified, sequence
        changes = list(pending)
        pending.clear()
        for _ in range(WRITE_ATTEMPTS):
            done = instance.store.update(collection, changes, interrupt)
            modified += len(changes) - len(done.conflicts)
            sequence = done.sequence or sequence
            again = _still_there(collection, (changes[position].record_id for position in done.conflicts), matches)
            changes = [change for record_id, raw in again if (change := changed(record_id, raw)) is not None]
            if not changes:
                return
        raise command_errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)

    for record_id, raw in _found(instance, collection, matches, interrupt):
        matched += 1
        change = changed(record_id, raw)
        if change is not None:
            pending.append(change)
            if len(pending) >= UPDATE_BATCH_COUNT:
                commit()
    if pending:
        commit()
    return Written(matched, modified, sequence)


def delete_measurements(
    instance: Instance, collection: Collection, matches: Matches, interrupt: Interrupt, *, multi: bool
) -> Written:
    """Delete every measurement that matches, or the first; a commit holds up to 1000.

    errors   WRITE_CONFLICT
    """
    found = _found(instance, collection, matches, interrupt)
    if not multi:
        found = islice(found, 1)

    def still_matches(raw: bytes) -> bool:
        return matches is None or matches(decode(measurement_of(raw)))

    count, sequence = delete_found(instance.store, collection, found, still_matches, interrupt)
    return Written(count, count, sequence)


def remove_measurement(
    instance: Instance, collection: Collection, matches: Matches, interrupt: Interrupt
) -> bytes | None:
    """Delete the first measurement that matches, and give it back; None if none matches.

    errors   WRITE_CONFLICT
    """
    for _ in range(WRITE_ATTEMPTS):
        found = next(_found(instance, collection, matches, interrupt), None)
        if found is None:
            return None
        removed = measurement_of(found[1])
        with with_image("pre", removed):
            done = instance.store.delete(collection, (found,))
        if not done.conflicts:
            return removed
    raise command_errors.WRITE_CONFLICT(limit=WRITE_ATTEMPTS)


def _found(
    instance: Instance, collection: Collection, matches: Matches, interrupt: Interrupt
) -> Iterator[tuple[int, bytes]]:
    """(record id, stored document) of the measurements that match."""
    for record_id, raw in interrupt.watch(stored_measurements(instance.store.view(collection), interrupt)):
        if matches is None or matches(decode(measurement_of(raw))):
            yield record_id, raw


def _still_there(collection: Collection, record_ids: Iterator[int], matches: Matches) -> Iterator[tuple[int, bytes]]:
    """The measurements that others have changed meanwhile, if they still match."""
    for record_id in record_ids:
        raw = None if collection.is_dropped else collection.record(record_id)
        if raw is not None and (matches is None or matches(decode(measurement_of(raw)))):
            yield record_id, raw
