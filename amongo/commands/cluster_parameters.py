"""The parameters of a whole deployment that an administrator sets, kept in the store as the server keeps them.

Two of them do something here. `changeStreamOptions` says how long the log's pre-images may be read: the log keeps what
it keeps, but a pre-image whose time is over counts as gone. `defaultMaxTimeMS` bounds reads that name no `maxTimeMS`.
The others are about shards, encrypted fields and deployments of many tenants: they are checked, kept and shown.

Source: manual, Cluster Parameters.
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
DEFAULT_MAX_TIME: Final = "defaultMaxTimeMS"

_ESC_ENTRIES: Final = 350_000
_COMPACTION_BYTES: Final = 256 * 1024 * 1024

# Name -> its fields with the values that they have as long as nobody sets them; null sets these again.
_PLAIN: Final[Mapping[str, Mapping[str, Any]]] = {
    "changeStreams": {"expireAfterSeconds": Int64(3600)},
    "configServerReadPreferenceForCatalogQueries": {"mustAlwaysUseNearest": False},
    DEFAULT_MAX_TIME: {"readOperations": Int64(0)},
    "fleAllowTotalTagOverheadToExceedBSONLimit": {"allowTotalTagOverheadToExceedBSONLimit": False},
    "fleCompactionOptions": {
        "maxCompactionSize": _COMPACTION_BYTES,
        "maxAnchorCompactionSize": _COMPACTION_BYTES,
        "maxESCEntriesPerCompactionDelete": _ESC_ENTRIES,
    },
    "fleDisableSubstringPreviewParameterLimits": {"shouldOverride": False},
    "pauseMigrationsDuringMultiUpdates": {"enabled": False},
}
CLUSTER_PARAMETERS: Final = tuple(sorted((CHANGE_STREAM_OPTIONS, *_PLAIN)))
"""Their names."""

LIMITED_READS: Final = frozenset({"aggregate", "count", "dbHash", "distinct", "find"})
"""Commands that `defaultMaxTimeMS` bounds, without an output."""

_NAMESPACE: Final = "config.clusterParameters"
_OPTIONS: Final = {"preAndPostImages": Field("object", required=True, refuses_null=True)}
_IMAGES: Final = {"expireAfterSeconds": Field(required=True, refuses_null=True)}
_OFF: Final = "off"


def cluster_parameter(store: Store, name: str) -> dict[str, Any]:
    """A parameter as getClusterParameter shows it: {_id, clusterParameterTime, …}."""
    stored = _stored(store, name)
    if stored is not None:
        return stored
    value = _PLAIN.get(name, {"preAndPostImages": {"expireAfterSeconds": _OFF}})
    return {"_id": name, "clusterParameterTime": Timestamp(0, 0), **value}


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
    if name == DEFAULT_MAX_TIME:
        instance.read_limit_ms = read_limit_ms(store)


def _least(default: int) -> int:
    """A number that begins with more than nothing has to stay more."""
    return 1 if default else 0


def read_limit_ms(store: Store) -> int:
    """So long a read may take that names no `maxTimeMS`, in milliseconds; 0 for any time."""
    return int(cluster_parameter(store, DEFAULT_MAX_TIME)["readOperations"])


def parse_cluster_parameter(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The value of a parameter as it is kept.

    errors   those of `parse_change_stream_options`; of another parameter UNKNOWN_FIELD, WRONG_TYPE, and for a number
             below its least that of a bound
    """
    if name == CHANGE_STREAM_OPTIONS:
        return parse_change_stream_options(value)
    defaults = _PLAIN[name]
    fields = {
        each: Field("bool") if type(default) is bool else Field("integer", minimum=_least(default), bound_code=2)
        for each, default in defaults.items()
    }
    asked = parse_fields(name, value, fields, generic={})
    return {each: type(default)(default if asked[each] is None else asked[each]) for each, default in defaults.items()}


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
