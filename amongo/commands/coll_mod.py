"""collMod: change a collection, an index of it, a view or a time series. Source: manual, collMod.

Everything is checked before anything is changed; options and index then change under one lock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.aggregate import parse_pipeline
from amongo.commands.capped import capped_limits
from amongo.commands.coll_mod_index import IndexChange, Planned, parse_index_change, plan_index_change
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.create_options import check_enumerated, check_images_namespace
from amongo.commands.expected_uuid import check_uuid, parse_uuid
from amongo.commands.fields import Field, parse_fields, to_integer
from amongo.commands.namespaces import collection_namespace
from amongo.commands.time_series import change_series, find_series
from amongo.commands.time_series_options import (
    SeriesChange,
    SeriesOptions,
    changed_series_options,
    parse_series_change,
)
from amongo.commands.validation import modified_validation
from amongo.commands.views import View, change_view, check_stages, find_view, parse_stages
from amongo.engine.records import Collection, record_id_value
from amongo.errors import coll_mod as errors
from amongo.errors import command as command_errors
from amongo.runtime.interrupts import Interrupt
from amongo.values.types import NUMERIC_CLASSES, alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS: Final = {
    "index": Field("object"),
    "validator": Field("object"),
    "validationLevel": Field("string"),
    "validationAction": Field("string"),
    "viewOn": Field("string"),
    "pipeline": Field("array"),
    "changeStreamPreAndPostImages": Field("object"),
    "expireAfterSeconds": Field(),
    "timeseries": Field("object"),
    "cappedSize": Field("integer"),
    "cappedMax": Field("integer"),
    "dryRun": Field("flag", default=False),
    "collectionUUID": Field("uuid"),
}

_IMAGES: Final = {"enabled": Field("bool", required=True)}
_EXPIRY_MAX: Final = 2**31 - 1

# Options by the kinds of collections that have them.
_NOT_ON_VIEWS: Final = (
    "index",
    "validator",
    "validationLevel",
    "validationAction",
    "changeStreamPreAndPostImages",
    "expireAfterSeconds",
)
_NO_OPTIONS: Final = frozenset({"index", "dryRun", "collectionUUID"})
_NOT_ON_SERIES: Final = ("validator", "validationLevel", "validationAction", "changeStreamPreAndPostImages")
_ONLY_ON_VIEWS: Final = ("pipeline", "viewOn")


@dataclass(frozen=True, slots=True)
class CollModRequest:
    """A collMod.

    namespace   "database.collection"
    options     as given, without those that are null; parsed where a field below has the name
    index       what is asked of an index
    series      what is asked of the options of a time series
    is_trial    find out whether it can be done, and do nothing
    uuid        16 bytes that the collection must have; None for any
    """

    namespace: str
    options: dict[str, Any]
    index: IndexChange | None = None
    series: SeriesChange | None = None
    is_trial: bool = False
    uuid: bytes | None = None


def parse(database: str, document: dict[str, Any]) -> CollModRequest:
    """The request of a collMod command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`, NOT_ENUMERATED, BAD_VALUE
    """
    fields = parse_fields("collMod", document, FIELDS)
    namespace = collection_namespace(database, document["collMod"])
    options = {name: fields[name] for name in FIELDS if fields[name] is not None}
    index = None if fields["index"] is None else parse_index_change(fields["index"])
    for name in ("validationLevel", "validationAction"):
        if name in options:
            check_enumerated("collMod", name, options[name])
    if options.get("viewOn") == "":
        raise command_errors.BAD_VALUE(message="'viewOn' cannot be empty")
    if "pipeline" in options:
        options["pipeline"] = parse_stages("collMod", options["pipeline"])
    if "changeStreamPreAndPostImages" in options:
        images = options["changeStreamPreAndPostImages"]
        parse_fields("collMod.changeStreamPreAndPostImages", images, _IMAGES, generic={})
    if "expireAfterSeconds" in options:
        options["expireAfterSeconds"] = _parse_expiry(options["expireAfterSeconds"])
    series = None if fields["timeseries"] is None else parse_series_change(fields["timeseries"])
    uuid = parse_uuid("collMod", "collectionUUID", fields["collectionUUID"])
    return CollModRequest(namespace, options, index, series, fields["dryRun"], uuid)


def _parse_expiry(value: Any) -> str | int:
    """ "off", or seconds; another string is refused where the collection is known.

    errors   WRONG_TYPE
    """
    if type(value) is str:
        return value
    if type(value) not in NUMERIC_CLASSES:
        raise command_errors.WRONG_TYPE(
            command="collMod",
            field="expireAfterSeconds",
            actual=alias(value),
            expected="types '[string, decimal, double, int, long]'",
        )
    return to_integer(value)


def run(instance: Instance, request: CollModRequest, context: Context) -> dict[str, Any]:
    """{ok: 1}, with the old and new values of what has changed in an index.

    errors   NAMESPACE_NOT_FOUND, COLLECTION_UUID_MISMATCH, those of `amongo.errors.coll_mod`, those of validators,
             views and time series
    """
    _check_trial(request)
    if request.namespace == "local.oplog.rs" and not {"cappedSize", "cappedMax"}.isdisjoint(request.options):
        raise errors.OPLOG()
    if request.index is not None and request.index.unique:
        _refuse_duplicates(instance, request, context.interrupt)
    store, namespace = instance.store, request.namespace
    with store.lock:
        check_uuid(store.catalog, namespace, request.uuid)
        collection = store.catalog.get(namespace)
        view = find_view(store.catalog, namespace) if collection is None else None
        if view is not None and view.is_time_series:
            return _change_series(instance, request, find_series(store.catalog, namespace))
        if view is not None:
            return _change_view(instance, request, view)
        if collection is None:
            raise command_errors.NAMESPACE_NOT_FOUND(message="ns does not exist")
        reply = _change_collection(instance, request, collection)
    instance.expiry.look()
    return reply


def _check_trial(request: CollModRequest) -> None:
    """A trial is one of making an index unique.

    errors   DRY_RUN_WITHOUT_INDEX, DRY_RUN_WITHOUT_UNIQUE
    """
    if request.is_trial:
        if request.index is None:
            raise errors.DRY_RUN_WITHOUT_INDEX()
        if not request.index.unique:
            raise errors.DRY_RUN_WITHOUT_UNIQUE()


def _modifications(request: CollModRequest) -> int:
    """How many things are to be changed. The limits of a capped collection do not count, as on the server."""
    index = 0 if request.index is None else request.index.count
    others = (
        "validator",
        "validationLevel",
        "validationAction",
        "pipeline",
        "viewOn",
        "changeStreamPreAndPostImages",
        "expireAfterSeconds",
        "timeseries",
    )
    return index + sum(name in request.options for name in others)


# A collection


def _change_collection(instance: Instance, request: CollModRequest, collection: Collection) -> dict[str, Any]:
    limits = _new_limits(request, collection)
    planned = _plan_index(request, collection, collection.indexes, is_series=False)
    options = modified_validation(request.namespace, collection.options, request.options) | limits
    for name in _ONLY_ON_VIEWS:
        if name in request.options:
            raise errors.ONLY_ON_VIEW(name=name)
    expiry = _new_expiry(request, collection.options)
    if request.series is not None:
        raise errors.ONLY_ON_SERIES(name="timeseries")
    _check_alone(request, planned)
    if "changeStreamPreAndPostImages" in request.options:
        options.pop("changeStreamPreAndPostImages", None)
        check_images_namespace(request.namespace, request.options["changeStreamPreAndPostImages"])
        if request.options["changeStreamPreAndPostImages"]["enabled"]:
            options["changeStreamPreAndPostImages"] = request.options["changeStreamPreAndPostImages"]
    return _apply(instance, request, collection, expiry(options), planned)


def _new_limits(request: CollModRequest, collection: Collection) -> dict[str, Any]:
    """The new limits of a capped collection.

    errors   NOT_CAPPED, SIZE_OUT_OF_BOUNDS, COUNT_TOO_LARGE
    """
    size, count = request.options.get("cappedSize"), request.options.get("cappedMax")
    if size is None and count is None:
        return {}
    if not collection.options.get("capped"):
        raise errors.NOT_CAPPED()
    return capped_limits(size, count)


def _plan_index(
    request: CollModRequest, collection: Collection, indexes: dict[str, Any], *, is_series: bool
) -> Planned | None:
    if request.index is None:
        return None
    return plan_index_change(collection, indexes, request.namespace, request.index, is_series=is_series)


def _new_expiry(request: CollModRequest, options: dict[str, Any]) -> Any:
    """What puts the new `expireAfterSeconds` into options, of a collection that is clustered by `_id`.

    errors   ONLY_ON_CLUSTERED, NOT_OFF, INVALID_OPTIONS
    """
    value = request.options.get("expireAfterSeconds")
    if value is None:
        return dict
    if not (options.get("clusteredIndex") or options.get("timeseries")):
        raise errors.ONLY_ON_CLUSTERED()
    if type(value) is str:
        if value != "off":
            raise errors.NOT_OFF(value=value)
        return lambda options: {name: each for name, each in options.items() if name != "expireAfterSeconds"}
    if not 0 <= value <= _EXPIRY_MAX:
        raise command_errors.INVALID_OPTIONS(message=f"'expireAfterSeconds' has to be between 0 and {_EXPIRY_MAX}")
    return lambda options: {**options, "expireAfterSeconds": Int64(value)}


def _refuse_duplicates(instance: Instance, request: CollModRequest, interrupt: Interrupt) -> None:
    """Look for documents that stand in the way of an index that is to become unique. No new ones come meanwhile, since
    the index refuses them already.

    errors   HAS_DUPLICATES, with the `_id`s of the documents; those of `plan_index_change`
    """
    collection = instance.store.catalog.get(request.namespace)
    planned = None if collection is None else _plan_index(request, collection, collection.indexes, is_series=False)
    if collection is None or planned is None or not planned.becomes_unique:
        return
    assert collection.secondary is not None
    index = collection.secondary.named(planned.definition["name"])
    assert index is not None
    with instance.store.lock:
        view, duplicates = collection.view(), index.duplicates()
    holders: dict[bytes, list[Any]] = {}
    for key, record_id in interrupt.watch(duplicates):
        raw = view.record(record_id)
        if raw is not None:
            holders.setdefault(key, []).append(record_id_value(raw))
    if holders:
        raise errors.HAS_DUPLICATES(extra={"violations": [{"ids": ids} for ids in holders.values()]})


def _check_alone(request: CollModRequest, planned: Planned | None) -> None:
    """Some changes of an index are made alone or not at all.

    errors   PREPARE_ALONE, DRY_RUN_ALONE
    """
    if planned is None or _modifications(request) == 1:
        return
    if planned.prepares:
        raise errors.PREPARE_ALONE()
    if request.is_trial:
        raise errors.DRY_RUN_ALONE()


def _apply(
    instance: Instance,
    request: CollModRequest,
    collection: Collection,
    options: dict[str, Any],
    planned: Planned | None,
) -> dict[str, Any]:
    """Change options and index, and say what has changed."""
    store = instance.store
    if request.is_trial:
        return {"ok": 1.0}
    asked = {name: value for name, value in request.options.items() if name not in _NO_OPTIONS}
    is_other = options != collection.options or bool(asked)
    if planned is not None and planned.definition != collection.indexes[planned.definition["name"]]:
        store.change_index(collection, planned.definition, (options, asked) if is_other else None)
    else:  # the server writes it down, whether it changes anything or not
        store.set_options(collection, options, asked)
    return {**({} if planned is None else planned.reply), "ok": 1.0}


# A view


def _change_view(instance: Instance, request: CollModRequest, view: View) -> dict[str, Any]:
    """Give a view another source or pipeline.

    errors   NOT_ON_VIEW, NOT_CAPPED, ONLY_ON_SERIES, those of `check_stages`, of the pipeline and of `change_view`
    """
    options = request.options
    if "cappedSize" in options or "cappedMax" in options:
        raise errors.NOT_CAPPED()
    for name in _NOT_ON_VIEWS:
        if name in options:
            raise errors.NOT_ON_VIEW(name=name)
    if request.series is not None:
        raise errors.ONLY_ON_SERIES(name="timeseries")
    if "pipeline" in options or "viewOn" in options:
        pipeline = options.get("pipeline", view.pipeline)
        check_stages(pipeline)
        parse_pipeline(pipeline)
        change_view(instance.store, replace(view, source=options.get("viewOn", view.source), pipeline=pipeline))
    return {"ok": 1.0}


# A time series


def _change_series(instance: Instance, request: CollModRequest, collection: Collection) -> dict[str, Any]:
    """Change what can be changed of a time series: its buckets, its lifetime, its indexes.

    errors   NOT_ON_SERIES, ONLY_ON_VIEW, NOT_CAPPED, those of the options
    """
    if "cappedSize" in request.options or "cappedMax" in request.options:
        raise errors.NOT_CAPPED()
    planned = _plan_index(request, collection, collection.indexes, is_series=True)
    for name in _NOT_ON_SERIES:
        if name in request.options:
            raise errors.NOT_ON_SERIES(name=name)
    for name in _ONLY_ON_VIEWS:
        if name in request.options:
            raise errors.ONLY_ON_VIEW(name=name)
    expiry = _new_expiry(request, collection.options)
    _check_alone(request, planned)
    options = expiry(dict(collection.options))
    if request.series is not None:
        changed = changed_series_options(SeriesOptions.of(options["timeseries"]), request.series)
        options["timeseries"] = changed.document()
        if not request.is_trial:
            change_series(instance.store, request.namespace, options)
    return _apply(instance, request, collection, options, planned)


COMMAND = Command("collMod", parse, run)
