"""The parameters of a whole deployment that an administrator sets, kept in the store as the server keeps them.

There is one, `changeStreamOptions`: how long the log's pre-images may be read. The log keeps what it keeps; a pre-image
whose time is over counts as gone. Source: manual, Cluster Parameters, changeStreamOptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, Timestamp

from amongo.commands.fields import Field, parse_fields, to_integer
from amongo.engine.store import Change, Store
from amongo.errors import ServerError
from amongo.errors import cluster_parameter as errors
from amongo.errors import command as command_errors
from amongo.values.codec import decode, encode
from amongo.values.key_bytes import id_key
from amongo.values.types import NUMERIC_CLASSES, alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

CHANGE_STREAM_OPTIONS: Final = "changeStreamOptions"
CLUSTER_PARAMETERS: Final = (CHANGE_STREAM_OPTIONS,)
"""Their names."""

_NAMESPACE: Final = "config.clusterParameters"
_OPTIONS: Final = {"preAndPostImages": Field("object", required=True, refuses_null=True)}
_IMAGES: Final = {"expireAfterSeconds": Field(required=True, refuses_null=True)}
_OFF: Final = "off"


def cluster_parameter(store: Store, name: str) -> dict[str, Any]:
    """A parameter as getClusterParameter shows it: {_id, clusterParameterTime, …}."""
    stored = _stored(store, name)
    if stored is not None:
        return stored
    return {"_id": name, "clusterParameterTime": Timestamp(0, 0), "preAndPostImages": {"expireAfterSeconds": _OFF}}


def set_cluster_parameter(instance: Instance, name: str, value: Mapping[str, Any]) -> None:
    """Keep the value of a parameter, with the time at which it was set: later than that of the one before."""
    store = instance.store
    with store.lock:
        before = _stored(store, name)
        moment = instance.moment()[1]
        if before is not None and before["clusterParameterTime"] >= moment:
            last = before["clusterParameterTime"]
            moment = Timestamp(last.time, last.inc + 1)
        raw = encode({"_id": name, "clusterParameterTime": moment, **value})
        collection = store.create(_NAMESPACE)
        found = collection.find_id(id_key(name))
        if found is None:
            store.insert_one(collection, id_key(name), raw)
        else:
            store.update(collection, [Change(*found, raw, None)])


def parse_change_stream_options(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value of changeStreamOptions as it is kept: {preAndPostImages: {expireAfterSeconds}}.

    errors   NOT_PARSED, NOT_OFF, NOT_POSITIVE
    """
    try:
        images = parse_fields(CHANGE_STREAM_OPTIONS, value, _OPTIONS, generic={})["preAndPostImages"]
        seconds = parse_fields("preAndPostImages", images, _IMAGES, generic={})["expireAfterSeconds"]
        if type(seconds) is not str:
            seconds = _seconds(seconds)
    except ServerError as error:
        raise errors.NOT_PARSED(reason=error.message) from error
    if type(seconds) is str:
        if seconds != _OFF:
            raise errors.NOT_OFF()
    elif seconds <= 0:
        raise errors.NOT_POSITIVE()
    return {"preAndPostImages": {"expireAfterSeconds": seconds}}


def images_since_ms(instance: Instance) -> int:
    """Wall time of the oldest commits whose pre-images may be read, in milliseconds since 1970 UTC; 0 for all."""
    images = cluster_parameter(instance.store, CHANGE_STREAM_OPTIONS)["preAndPostImages"]
    seconds: Any = images["expireAfterSeconds"]
    return 0 if seconds == _OFF else max(0, instance.clock.now_ms() - int(seconds) * 1000)


def _stored(store: Store, name: str) -> dict[str, Any] | None:
    """A parameter as the store holds it; None if it was never set."""
    collection = store.catalog.get(_NAMESPACE)
    found = None if collection is None else collection.find_id(id_key(name))
    return None if found is None else decode(found[1])


def _seconds(value: Any) -> Int64:
    if type(value) not in NUMERIC_CLASSES:
        raise command_errors.WRONG_TYPE(
            command="preAndPostImages",
            field="expireAfterSeconds",
            actual=alias(value),
            expected="types '[string, decimal, double, int, long]'",
        )
    return Int64(to_integer(value))
