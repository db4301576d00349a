"""Time series collections: how their measurements are kept, read and inserted.

As on the server, a time series collection is a view over a collection of its own. The server packs measurements into
buckets there; amongo keeps each as a document `{_id, m: measurement}`. The `_id` is an ObjectId whose bytes say where
the measurement comes out: the beginning of its bucket in seconds, the number of the bucket, the place in it. So the
order of the `_id`s is the order in which the server gives measurements: bucket by bucket, and within a bucket as they
came, those of one insert by time. A measurement's own `_id` is a field like others and need not be unique.

The collection's namespace cannot be written in a command (`database..measurements.name`): whoever asks for
`system.buckets.name`, where the server keeps the buckets, is told that there are none. Source: manual, Time Series.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from bson.datetime_ms import DatetimeMS

from amongo.commands.time_series_options import SeriesOptions
from amongo.commands.views import (
    BUCKETS,
    SYSTEM_VIEWS,
    View,
    add_view,
    change_view,
    find_view,
    list_views,
    remove_view,
)
from amongo.engine.catalog import Catalog
from amongo.engine.origin import coming_from, narrowed
from amongo.engine.records import Collection
from amongo.engine.records import View as RecordView
from amongo.engine.store import Store
from amongo.errors import ServerError
from amongo.errors import time_series as errors
from amongo.errors import view as view_errors
from amongo.mql.sorting import in_order
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import BUCKET_MEASUREMENTS, BUCKETS_OF_METADATA, OPEN_BUCKETS
from amongo.values.codec import decode, decode_foreign, encode, encode_in_order
from amongo.values.key_bytes import OBJECT_ID_PREFIX

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_ID: Final = slice(9, 21)  # where the bytes of a stored document have its `_id`
_BUCKET: Final = slice(9, 18)  # what the `_id`s of one bucket have in common
_MEASUREMENT: Final = slice(24, -1)  # and its measurement
_DATE: Final = {"bsonType": "date"}


def _measurements(namespace: str) -> str:
    """The namespace of the collection that keeps the measurements of a time series."""
    database, _, name = namespace.partition(".")
    return f"{database}..measurements.{name}"


def shown_namespace(collection: Collection) -> str:
    """The namespace by which the world knows a collection: that of its buckets, for one that keeps measurements."""
    return collection.namespace.replace("..measurements.", f".{BUCKETS}", 1)


def is_series(collection: Collection) -> bool:
    """Whether the collection keeps the measurements of a time series."""
    return "..measurements." in collection.namespace


# The collection


def find_series(catalog: Catalog, namespace: str) -> Collection:
    """The collection that keeps the measurements of the time series of this namespace.

    errors   INVALID_DEFINITION if there is none: the view was not made by create
    """
    collection = catalog.get(_measurements(namespace))
    if collection is None:
        raise view_errors.INVALID_DEFINITION(definition=namespace)
    return collection


def indexed_collection(catalog: Catalog, namespace: str) -> Collection | None:
    """The collection of this name, with its indexes: that of the measurements, for a time series; None if there is
    none.

    errors   IS_A_VIEW
    """
    collection = catalog.get(namespace)
    if collection is not None:
        return collection
    view = find_view(catalog, namespace)
    if view is None:
        return None
    if not view.is_time_series:
        raise view_errors.IS_A_VIEW(namespace=namespace)
    return find_series(catalog, namespace)


def add_series(store: Store, namespace: str, options: dict[str, Any]) -> None:
    """Make a time series collection. Call it under the store's lock.

    options   as listCollections shows them
    """
    store.create(_measurements(namespace), options)
    name = namespace.partition(".")[2]
    add_view(store, View(namespace, BUCKETS + name, _unpacking(options), options.get("collation")))


def change_series(store: Store, namespace: str, options: dict[str, Any]) -> None:
    """Say in the view of a time series how its buckets are now. Call it under the store's lock.

    options   of the collection, as they will be
    """
    view = find_view(store.catalog, namespace)
    assert view is not None
    change_view(store, replace(view, pipeline=_unpacking(options)))


def drop_series(store: Store, namespace: str) -> None:
    """Drop a time series collection. Call it under the store's lock."""
    remove_view(store, namespace)
    store.drop(_measurements(namespace))


def rename_series(store: Store, source: str, target: str) -> None:
    """Give a time series another name in its database, in place of the time series that has it. Call it under the
    store's lock."""
    options = find_series(store.catalog, source).options
    if find_view(store.catalog, target) is not None:
        drop_series(store, target)
    remove_view(store, source)
    store.rename(_measurements(source), _measurements(target))
    name = target.partition(".")[2]
    add_view(store, View(target, BUCKETS + name, _unpacking(options), options.get("collation")))


def check_series_depend(catalog: Catalog, namespace: str) -> None:
    """Refuse dropping the views of a database as a whole while time series are among them.

    errors   SYSTEM_VIEWS_NEEDED
    """
    database, _, name = namespace.partition(".")
    if name == SYSTEM_VIEWS and any(view.is_time_series for view in list_views(catalog, database)):
        raise errors.SYSTEM_VIEWS_NEEDED(namespace=namespace)


def _unpacking(options: dict[str, Any]) -> list[dict[str, Any]]:
    """The pipeline that the server's view of the buckets has."""
    series = SeriesOptions.of(options["timeseries"])
    stage: dict[str, Any] = {"timeField": series.time_field}
    if series.meta_field is not None:
        stage["metaField"] = series.meta_field
    return [{"$_internalUnpackBucket": stage | {"bucketMaxSpanSeconds": series.span_s, "exclude": []}}]


def bucket_options(collection: Collection) -> dict[str, Any]:
    """The options that the server's collection of buckets would have."""
    series = SeriesOptions.of(collection.options["timeseries"])
    bounds = {"bsonType": "object", "required": [series.time_field], "properties": {series.time_field: _DATE}}
    control = {
        "bsonType": "object",
        "required": ["version", "min", "max"],
        "properties": {
            "version": {"bsonType": "number"},
            "min": bounds,
            "max": bounds,
            "closed": {"bsonType": "bool"},
            "count": {"bsonType": "number", "minimum": 1},
        },
        "additionalProperties": False,
    }
    schema = {
        "bsonType": "object",
        "required": ["_id", "control", "data"],
        "properties": {
            "_id": {"bsonType": "objectId"},
            "control": control,
            "data": {"bsonType": "object"},
            "meta": {},
        },
        "additionalProperties": False,
    }
    return {"validator": {"$jsonSchema": schema}, "clusteredIndex": True, **collection.options}


# Reading


def stored_measurements(view: RecordView, interrupt: Interrupt) -> Iterator[tuple[int, bytes]]:
    """(record id, stored document) of the measurements, in the order in which they come out."""
    return in_order(((raw[_ID], (record_id, raw)) for record_id, raw in view), interrupt)


def bucket_count(view: RecordView) -> int:
    """In how many buckets the measurements would lie."""
    return len({raw[_BUCKET] for raw in view.documents()})


def measurement_of(raw: bytes) -> bytes:
    """The measurement in a stored document."""
    return raw[_MEASUREMENT]


def with_measurement(raw: bytes, measurement: bytes) -> bytes:
    """A stored document with another measurement in it."""
    return _wrapped(raw[_ID], measurement)


def measurements(
    store: Store, namespace: str, interrupt: Interrupt, *, is_reverse: bool = False
) -> Iterator[dict[str, Any]]:
    """The measurements of a time series, in the order in which they come out.

    is_reverse   the last bucket first; within a bucket the order is the same
    """
    view = store.view(find_series(store.catalog, namespace))
    raws: Iterable[bytes] = (raw for _, raw in stored_measurements(view, interrupt))
    if is_reverse:
        buckets = [list(bucket) for _, bucket in groupby(raws, key=itemgetter(_BUCKET))]
        raws = chain.from_iterable(reversed(buckets))
    return (decode(raw[_MEASUREMENT]) for raw in raws)


# Inserting


@dataclass(slots=True)
class _Bucket:
    """A bucket that takes further measurements.

    begin_s   seconds since 1970 UTC
    number    of the bucket, in the order of their making
    count     measurements in it
    """

    begin_s: int
    number: int
    count: int = 0


@dataclass(slots=True)
class OpenBuckets:
    """The buckets of one time series that take further measurements; known to this process alone.

    next_number    of the next bucket
    by_metadata    the last buckets of each metadata, the newest first
    """

    next_number: int
    by_metadata: dict[bytes, deque[_Bucket]] = field(default_factory=dict)

    def bucket(self, metadata: bytes, time_ms: int, options: SeriesOptions) -> _Bucket:
        """The bucket for a measurement; a new one if each has begun later, ended before, or is full."""
        buckets = self.by_metadata.get(metadata)
        if buckets is None:
            buckets = self.by_metadata[metadata] = deque(maxlen=BUCKETS_OF_METADATA)
        for bucket in buckets:
            begin_ms = bucket.begin_s * 1000
            if begin_ms <= time_ms < begin_ms + options.span_s * 1000 and bucket.count < BUCKET_MEASUREMENTS:
                return bucket
        begin_s = time_ms // 1000 // options.rounding_s * options.rounding_s
        bucket = _Bucket(begin_s, self.next_number)
        buckets.appendleft(bucket)
        self.next_number += 1
        if len(self.by_metadata) > OPEN_BUCKETS:
            del self.by_metadata[next(iter(self.by_metadata))]
        return bucket


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement to insert.

    position   in the request
    metadata   key of its metadata: those of one bucket have the same
    raw        BSON: time, metadata, then the other fields
    """

    position: int
    metadata: bytes
    time_ms: int
    raw: bytes


def parse_measurement(position: int, raw: bytes, options: SeriesOptions) -> Measurement:
    """A measurement as it is kept.

    raw      a document that could be stored in any collection
    errors   NO_TIME
    """
    document = decode_foreign(raw)
    time = document.pop(options.time_field, None)
    if type(time) is not DatetimeMS:
        raise errors.NO_TIME(field=options.time_field)
    shown: dict[str, Any] = {options.time_field: time}
    metadata = b""
    if options.meta_field is not None and options.meta_field in document:
        value = _normalized(document.pop(options.meta_field))
        metadata = encode({"": value})
        shown[options.meta_field] = value
    return Measurement(position, metadata, int(time), encode_in_order(shown | document))


def _normalized(value: Any) -> Any:
    """Metadata with the fields of its documents in the order of their names."""
    if type(value) is dict:
        return {name: _normalized(value[name]) for name in sorted(value)}
    return [_normalized(each) for each in value] if type(value) is list else value


def insert_measurements(
    instance: Instance,
    namespace: str,
    documents: Sequence[bytes],
    ordered: bool,
    stored_document: Callable[[bytes, Instance], bytes],
    interrupt: Interrupt,
) -> tuple[int, list[tuple[int, ServerError]], int]:
    """Insert documents into a time series as one commit.

    documents         as the request has them
    stored_document   what makes a document storable, or refuses it
    result            (how many were inserted, (position, error) of those that could not be, the commit's sequence)
    """
    collection = find_series(instance.store.catalog, namespace)
    options = SeriesOptions.of(collection.options["timeseries"])
    batch: list[Measurement] = []
    failures: list[tuple[int, ServerError]] = []
    for position, raw in enumerate(interrupt.watch(documents)):
        try:
            batch.append(parse_measurement(position, stored_document(raw, instance), options))
        except ServerError as error:
            failures.append((position, error))
            if ordered:
                break
    if not batch:
        return 0, failures, 0
    with instance.store.lock:
        buckets = _open_buckets(instance, collection)
        keys, raws = [], []
        origin = narrowed([each.position for each in batch])
        for identity, measurement in _placed(batch, buckets, options):
            keys.append(OBJECT_ID_PREFIX + identity)
            raws.append(_wrapped(identity, measurement.raw))
        with coming_from(origin):
            inserted = instance.store.insert(collection, keys, raws, interrupt=interrupt)
    return len(raws), failures, inserted.sequence


def _open_buckets(instance: Instance, collection: Collection) -> OpenBuckets:
    """The buckets of a time series that take further measurements; at its first insert, dropped ones are forgotten."""
    known = instance.open_buckets
    if collection.uuid not in known:
        for identity in known.keys() - instance.store.catalog.by_uuid.keys():
            del known[identity]
        known[collection.uuid] = OpenBuckets(collection.next_record_id)
    return known[collection.uuid]


def _placed(
    batch: list[Measurement], buckets: OpenBuckets, options: SeriesOptions
) -> Iterator[tuple[bytes, Measurement]]:
    """(bytes of the `_id`, measurement) of each: those that come into one bucket together are there by time."""
    together: dict[int, tuple[_Bucket, list[Measurement]]] = {}
    for measurement in batch:
        bucket = buckets.bucket(measurement.metadata, measurement.time_ms, options)
        bucket.count += 1
        together.setdefault(bucket.number, (bucket, []))[1].append(measurement)
    for bucket, measurements in together.values():
        begin = (bucket.begin_s & 0xFFFFFFFF).to_bytes(4, "big") + bucket.number.to_bytes(5, "big")
        place = bucket.count - len(measurements)
        for measurement in sorted(measurements, key=lambda each: each.time_ms):
            yield begin + place.to_bytes(3, "big"), measurement
            place += 1


def _wrapped(identity: bytes, raw: bytes) -> bytes:
    """The stored document of a measurement."""
    body = b"\x07_id\x00" + identity + b"\x03m\x00" + raw + b"\x00"
    return (len(body) + 4).to_bytes(4, "little") + body
