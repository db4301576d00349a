"""The options of `create`: checked as the server checks them, kept as listCollections shows them.

Options that change how a collection works and that amongo does not have yet are refused, once they are known to be
right. Options that say how a storage engine lays out its files are kept and shown. Source: manual, create.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Decimal128

from amongo.aggregate import parse_pipeline
from amongo.commands.collations import refuse_collation
from amongo.commands.expected_uuid import parse_uuid
from amongo.commands.fields import Field, check, parse_fields, truth
from amongo.commands.namespaces import is_system
from amongo.commands.restricted_filters import check_restricted
from amongo.errors import command as errors
from amongo.mql.matcher import parse_filter
from amongo.values.order import equal
from amongo.values.types import NUMERIC_CLASSES, alias

FIELDS: Final = {
    "capped": Field("flag", default=False),
    "size": Field("integer"),
    "max": Field("integer"),
    "autoIndexId": Field("bool"),
    "idIndex": Field("object"),
    "storageEngine": Field("object"),
    "indexOptionDefaults": Field("object"),
    "validator": Field("object"),
    "validationLevel": Field("string"),
    "validationAction": Field("string"),
    "viewOn": Field("string"),
    "pipeline": Field("array"),
    "collation": Field("object"),
    "changeStreamPreAndPostImages": Field("object"),
    "timeseries": Field("object"),
    "clusteredIndex": Field(),
    "expireAfterSeconds": Field("integer"),
    "encryptedFields": Field("object"),
    "temp": Field("bool", default=False),
}

NOT_YET: Final = {
    "capped": "capped collections come with the Language issue",
    "validator": "validation comes with the Language issue",
    "viewOn": "views come with the Language issue",
    "timeseries": "time series collections come with the Language issue",
    "clusteredIndex": "clustered collections come with the Language issue",
    "encryptedFields": "queryable encryption needs MongoDB's own library",
}

# Kept with the collection and shown by listCollections, in the order in which the server shows them.
_KEPT: Final = (
    "storageEngine",
    "indexOptionDefaults",
    "validationLevel",
    "validationAction",
    "changeStreamPreAndPostImages",
)

_VALUES: Final = {
    "validationLevel": ("off", "strict", "moderate"),
    "validationAction": ("error", "warn", "errorAndLog"),
}
_SIZE_MAX: Final = 2**50  # server: 1 PiB
_ENGINES: Final = frozenset({"wiredTiger", "inMemory", "amongo"})
_EXPIRY_MAX: Final = 2**31 - 1

_IMAGES: Final = {"enabled": Field("bool", required=True)}
_INDEX_DEFAULTS: Final = {"storageEngine": Field("object")}
_ID_INDEX: Final = {
    "key": Field("object", required=True),
    "name": Field("string"),
    "ns": Field("string"),
    "v": Field("integer"),
    "collation": Field("object"),
}
_CLUSTERED: Final = {
    "key": Field("object", required=True),
    "unique": Field("flag", required=True),
    "v": Field("integer", default=2),
    "name": Field("string"),
}
_TIMESERIES: Final = {
    "timeField": Field("string", required=True),
    "metaField": Field("string"),
    "granularity": Field("string"),
    "bucketMaxSpanSeconds": Field("integer", minimum=1, maximum=31_536_000, bound_code=2),
    "bucketRoundingSeconds": Field("integer", minimum=1, maximum=31_536_000, bound_code=2),
}
_ENCRYPTED: Final = {
    "fields": Field("array", required=True),
    "escCollection": Field("string"),
    "ecocCollection": Field("string"),
    "strEncodeVersion": Field("integer"),
}
_ENCRYPTED_FIELD: Final = {
    "path": Field("string", required=True),
    "keyId": Field("uuid", required=True),
    "bsonType": Field("string"),
    "queries": Field("object or array"),
}
_GRANULARITIES: Final = {"seconds": 3600, "minutes": 86_400, "hours": 2_592_000}
_ID_KEY: Final = {"_id": 1}


def parse_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a `create` document, as they are kept with the collection.

    errors   those of `parse_fields`, INVALID_OPTIONS for options that exclude each other, NOT_SUPPORTED_YET; and those
             of the single options
    """
    fields = parse_fields("create", document, FIELDS)
    for name, verify in _CHECKS:
        if name in document and (document[name] is not None or name == "clusteredIndex"):
            verify(document[name], fields)
    if fields["validator"] and is_system(str(document["create"])):
        raise errors.INVALID_OPTIONS(message="Document validators not allowed on system collections")
    _check_combination(fields)
    for name, reason in NOT_YET.items():
        if fields[name]:  # false, {} and absent ask for nothing
            raise errors.NOT_SUPPORTED_YET(what=f"'create.{name}'", reason=reason)
    if fields["temp"]:
        raise errors.NOT_SUPPORTED_YET(what="'create.temp'", reason="temporary collections are the server's own")
    return {name: fields[name] for name in _KEPT if fields[name] is not None}


def _check_combination(fields: Mapping[str, Any]) -> None:
    """Refuse options that exclude each other.

    errors   INVALID_OPTIONS
    """
    if fields["pipeline"] is not None and fields["viewOn"] is None:
        raise errors.INVALID_OPTIONS(message="'pipeline' requires 'viewOn' to also be specified")
    if fields["viewOn"] is not None:
        for name in ("capped", "idIndex", "timeseries", "expireAfterSeconds", "validator"):
            _exclude(fields, "viewOn", name)
        if (fields["changeStreamPreAndPostImages"] or {}).get("enabled"):
            _exclude(fields, "viewOn", "changeStreamPreAndPostImages")
    if fields["timeseries"] is not None:
        for name in (
            "capped",
            "idIndex",
            "validator",
            "validationLevel",
            "validationAction",
            "clusteredIndex",
            "changeStreamPreAndPostImages",
        ):
            _exclude(fields, "timeseries", name)
    if fields["clusteredIndex"]:
        _exclude(fields, "clusteredIndex", "idIndex")
    if fields["expireAfterSeconds"] is not None and not (fields["timeseries"] or fields["clusteredIndex"]):
        raise errors.INVALID_OPTIONS(
            message="'expireAfterSeconds' requires 'timeseries' or 'clusteredIndex' to also be specified"
        )


def _exclude(fields: Mapping[str, Any], name: str, other: str) -> None:
    if fields[other]:
        raise errors.INVALID_OPTIONS(message=f"'{name}' is not allowed with '{other}'")


def _check_capped(value: Any, fields: Mapping[str, Any]) -> None:
    """A capped collection has a size, and nothing else has one."""
    if fields["clusteredIndex"] is not None and fields["capped"]:
        raise errors.CLUSTERED_CAPPED()
    if fields["capped"] and fields["size"] is None:
        raise errors.INVALID_OPTIONS(message="the 'size' field is required when 'capped' is true")


def _check_size(value: Any, fields: Mapping[str, Any]) -> None:
    if not 1 <= fields["size"] <= _SIZE_MAX or not _is_finite(value):
        raise errors.BAD_VALUE(message=f"Invalid size {value}: it must be between 1 and {_SIZE_MAX}")
    _require_capped(fields)


def _check_max(value: Any, fields: Mapping[str, Any]) -> None:
    if fields["clusteredIndex"]:
        raise errors.CLUSTERED_MAX()
    if fields["max"] >= 2**31:
        raise errors.BAD_VALUE(message=f"max in a capped collection has to be < 2^31 or not set: {value}")
    _require_capped(fields)


def _require_capped(fields: Mapping[str, Any]) -> None:
    if not fields["capped"]:
        raise errors.INVALID_OPTIONS(
            message="the 'capped' field needs to be true when either the 'size' or 'max' fields are present"
        )


def _is_finite(value: Any) -> bool:
    return value.to_decimal().is_finite() if type(value) is Decimal128 else math.isfinite(value)


def _check_id_index(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """The index on `_id` is what it is on every collection."""
    index = parse_fields("create.idIndex", value, _ID_INDEX, generic={})
    if not equal(index["key"], _ID_KEY):
        raise errors.BAD_VALUE(message="The field 'key' for an _id index must be {_id: 1}")
    if index["name"] not in (None, "_id_"):
        raise errors.BAD_VALUE(message="The field 'name' for an _id index must be '_id_'")
    refuse_collation("create.idIndex", index["collation"])


def _check_engine(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Options by storage engine: amongo keeps those it does not use, as a server keeps those of other engines."""
    for name, options in value.items():
        if type(options) is not dict:
            raise errors.BAD_VALUE(message=f"'storageEngine.{name}' has to be an embedded document.")
        if name not in _ENGINES:
            raise errors.INVALID_OPTIONS(message=f"{name} is not a registered storage engine for this server")


def _check_index_defaults(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    engine = parse_fields("create.indexOptionDefaults", value, _INDEX_DEFAULTS, generic={})["storageEngine"]
    if engine is not None:
        _check_engine(engine, fields)


def _check_validator(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    check_restricted(value)
    parse_filter(value, variables={"NOW": None, "CLUSTER_TIME": None})


def _check_enumeration(name: str) -> Any:
    def verify(value: str, fields: Mapping[str, Any]) -> None:
        if value not in _VALUES[name]:
            raise errors.NOT_ENUMERATED(value=value, field=f"create.{name}")

    return verify


def _check_view(value: str, fields: Mapping[str, Any]) -> None:
    if not value:
        raise errors.BAD_VALUE(message="'viewOn' cannot be empty")
    if fields["clusteredIndex"]:
        raise errors.CLUSTERED_VIEW()


def _check_pipeline(value: list[Any], fields: Mapping[str, Any]) -> None:
    for position, stage in enumerate(value):
        if type(stage) is not dict:
            raise errors.WRONG_TYPE(
                command="create", field=f"pipeline.{position}", actual=alias(stage), expected="type 'object'"
            )
        if not stage.keys().isdisjoint(("$out", "$merge")):
            raise errors.WRITING_VIEW(name=next(iter(stage)))
    if fields["viewOn"] is not None:
        parse_pipeline(value)


def _check_collation(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    if not value:
        raise errors.MISSING_FIELD(command="create.collation", field="locale")
    refuse_collation("create", value)


def _check_images(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    parse_fields("create.changeStreamPreAndPostImages", value, _IMAGES, generic={})


def _check_encrypted(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    if fields["viewOn"] is not None or fields["timeseries"] is not None:
        raise errors.ENCRYPTED_KIND()
    if fields["capped"]:
        raise errors.ENCRYPTED_CAPPED()
    for field in parse_fields("create.encryptedFields", value, _ENCRYPTED, generic={})["fields"]:
        check("create", "encryptedFields.fields", Field("object"), field)
        encrypted = parse_fields("create.encryptedFields.fields", field, _ENCRYPTED_FIELD, generic={})
        parse_uuid("create", "encryptedFields.fields.keyId", encrypted["keyId"])


def _check_clustered(value: Any, fields: Mapping[str, Any]) -> None:
    if type(value) is bool or type(value) in NUMERIC_CLASSES:
        if truth(value):
            raise errors.CLUSTERED_LEGACY()
        return
    if type(value) is not dict:
        raise errors.WRONG_TYPE(
            command="create",
            field="clusteredIndex",
            actual=alias(value),
            expected="types '[bool, object, decimal, double, int, long]'",
        )
    index = parse_fields("create.clusteredIndex", value, _CLUSTERED, generic={})
    if not equal(index["key"], _ID_KEY):
        raise errors.CLUSTERED_KEY()
    if not index["unique"]:
        raise errors.CLUSTERED_NOT_UNIQUE()
    if index["v"] != 2:
        raise errors.CLUSTERED_VERSION()


def _check_timeseries(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    series = parse_fields("create.timeseries", value, _TIMESERIES, generic={})
    time, meta, granularity = series["timeField"], series["metaField"], series["granularity"]
    for name, field in (("timeField", time), ("metaField", meta)):
        if field is not None and "\x00" in field:
            raise errors.BAD_VALUE(message=f"'{name}' must not contain a null byte")
        if field is not None and "." in field:
            raise errors.INVALID_OPTIONS(message=f"'{name}' must be a top-level field and not contain a '.'")
    if meta in ("_id", time) and meta is not None:
        raise errors.INVALID_OPTIONS(message="'metaField' must be neither '_id' nor the 'timeField'")
    if granularity is not None and granularity not in _GRANULARITIES:
        raise errors.NOT_ENUMERATED(value=granularity, field="create.timeseries.granularity")
    span, rounding = series["bucketMaxSpanSeconds"], series["bucketRoundingSeconds"]
    if granularity is not None:
        if rounding is not None or span not in (None, _GRANULARITIES[granularity]):
            raise errors.INVALID_OPTIONS(message="'granularity' excludes other bucket parameters than its own")
    elif span != rounding:
        raise errors.INVALID_OPTIONS(message="'bucketMaxSpanSeconds' and 'bucketRoundingSeconds' have to be equal")


def _check_expiry(value: Any, fields: Mapping[str, Any]) -> None:
    if not 0 <= fields["expireAfterSeconds"] <= _EXPIRY_MAX:
        raise errors.INVALID_OPTIONS(message=f"'expireAfterSeconds' has to be between 0 and {_EXPIRY_MAX}")


# In the order in which the server finds what is wrong.
_CHECKS: Final = (
    ("encryptedFields", _check_encrypted),
    ("clusteredIndex", _check_clustered),
    ("collation", _check_collation),
    ("changeStreamPreAndPostImages", _check_images),
    ("timeseries", _check_timeseries),
    ("validationLevel", _check_enumeration("validationLevel")),
    ("validationAction", _check_enumeration("validationAction")),
    ("indexOptionDefaults", _check_index_defaults),
    ("capped", _check_capped),
    ("size", _check_size),
    ("max", _check_max),
    ("storageEngine", _check_engine),
    ("idIndex", _check_id_index),
    ("viewOn", _check_view),
    ("pipeline", _check_pipeline),
    ("validator", _check_validator),
    ("expireAfterSeconds", _check_expiry),
)
