"""The options of `create`: checked as the server checks them, kept as listCollections shows them.

Options that change how a collection works and that amongo does not have yet are refused, once they are known to be
right. Options that say how a storage engine lays out its files are kept and shown. Source: manual, create.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Decimal128, Int64

from amongo.aggregate import parse_pipeline
from amongo.commands.capped import SIZE_MOST, capped_options
from amongo.commands.clustered import check_clustered_options, clustered_options
from amongo.commands.collations import parse_collation, stored_collation
from amongo.commands.create_encrypted import check_encrypted_fields
from amongo.commands.fields import Field, parse_fields, truth
from amongo.commands.time_series_options import parse_series_options
from amongo.commands.validation import ACTIONS, LEVELS, check_validator
from amongo.commands.views import check_stages, parse_stages
from amongo.errors import command as errors
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
    "encryptedFields": "queryable encryption needs MongoDB's own library",
}

# Kept with the collection and shown by listCollections, in the order in which the server shows them.
_KEPT: Final = (
    "storageEngine",
    "indexOptionDefaults",
    "validator",
    "validationLevel",
    "validationAction",
    "changeStreamPreAndPostImages",
)

_VALUES: Final = {
    "validationLevel": LEVELS,
    "validationAction": ACTIONS,
}
_ENGINES: Final = frozenset({"wiredTiger", "inMemory", "amongo"})
_EXPIRY_MAX: Final = 2**31 - 1

_IMAGES: Final = {"enabled": Field("bool", required=True)}
_WITHOUT_IMAGES: Final = ("admin", "local", "config")
_INDEX_DEFAULTS: Final = {"storageEngine": Field("object")}
_ID_INDEX: Final = {
    "key": Field("object", required=True),
    "name": Field("string"),
    "ns": Field("string"),
    "v": Field("integer"),
    "collation": Field("object"),
}
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
    _check_combination(fields)
    for name, reason in NOT_YET.items():
        if fields[name]:  # false, {} and absent ask for nothing
            raise errors.NOT_SUPPORTED_YET(what=f"'create.{name}'", reason=reason)
    if fields["temp"]:
        raise errors.NOT_SUPPORTED_YET(what="'create.temp'", reason="temporary collections are the server's own")
    return _kept(fields)


def _kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they are kept: a view keeps its definition alone."""
    collation = None if fields["collation"] is None else _collation(fields["collation"])
    if fields["viewOn"] is not None:
        view = {"viewOn": fields["viewOn"], "pipeline": parse_stages("create", fields["pipeline"] or [])}
        return view if collation is None else view | {"collation": collation}
    kept = capped_options(fields) | {name: fields[name] for name in _KEPT if fields[name] is not None}
    if not kept.get("changeStreamPreAndPostImages", {}).get("enabled"):
        kept.pop("changeStreamPreAndPostImages", None)
    if not kept.get("validator"):
        kept.pop("validator", None)
    if collation is not None:
        kept["collation"] = collation
    if fields["timeseries"] is not None:
        kept["timeseries"] = parse_series_options(fields["timeseries"]).document()
        if fields["expireAfterSeconds"] is not None:
            kept["expireAfterSeconds"] = Int64(fields["expireAfterSeconds"])
    if type(fields["clusteredIndex"]) is dict:
        kept["clusteredIndex"] = clustered_options(fields["clusteredIndex"])
        if fields["expireAfterSeconds"] is not None:
            kept["expireAfterSeconds"] = Int64(fields["expireAfterSeconds"])
    return kept


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
    if not 1 <= fields["size"] <= SIZE_MOST or not _is_finite(value):
        raise errors.BAD_VALUE(message=f"Invalid size {value}: it must be between 1 and {SIZE_MOST}")
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
    if index["collation"] is not None:
        own = stored_collation(parse_collation(index["collation"]))
        if own != (None if fields["collation"] is None else _collation(fields["collation"])):
            raise errors.BAD_VALUE(message="'idIndex' must have the same collation as the collection.")


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


def _check_enumeration(name: str) -> Any:
    def verify(value: str, fields: Mapping[str, Any]) -> None:
        check_enumerated("create", name, value)

    return verify


def check_enumerated(command: str, name: str, value: str) -> None:
    """Refuse a validation level or action that there is not.

    errors   NOT_ENUMERATED
    """
    if value not in _VALUES[name]:
        raise errors.NOT_ENUMERATED(value=value, field=f"{command}.{name}")


def _check_view(value: str, fields: Mapping[str, Any]) -> None:
    if not value:
        raise errors.BAD_VALUE(message="'viewOn' cannot be empty")
    if fields["clusteredIndex"]:
        raise errors.CLUSTERED_VIEW()


def _check_pipeline(value: list[Any], fields: Mapping[str, Any]) -> None:
    pipeline = parse_stages("create", value)
    if fields["viewOn"] is not None:
        check_stages(pipeline)
        parse_pipeline(pipeline)


def _check_collation(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    _collation(value)


def _collation(value: dict[str, Any]) -> dict[str, Any] | None:
    """The collation as it is kept; None for the simple one."""
    return stored_collation(parse_collation(value, "create.collation"))


def _check_images(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    parse_fields("create.changeStreamPreAndPostImages", value, _IMAGES, generic={})


def check_images_namespace(namespace: str, images: Mapping[str, Any] | None) -> None:
    """Refuse to keep pre-images in the server's own databases.

    images   the option changeStreamPreAndPostImages
    errors   INVALID_OPTIONS
    """
    database = namespace.partition(".")[0]
    if images and images.get("enabled") and database in _WITHOUT_IMAGES:
        raise errors.INVALID_OPTIONS(
            message=f"changeStreamPreAndPostImages collection option is not supported on the {database} database"
        )


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
    check_clustered_options(value)


def _check_timeseries(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    parse_series_options(value)


def _check_expiry(value: Any, fields: Mapping[str, Any]) -> None:
    if not 0 <= fields["expireAfterSeconds"] <= _EXPIRY_MAX:
        raise errors.INVALID_OPTIONS(message=f"'expireAfterSeconds' has to be between 0 and {_EXPIRY_MAX}")


# In the order in which the server finds what is wrong.
_CHECKS: Final = (
    ("encryptedFields", check_encrypted_fields),
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
    ("validator", lambda value, fields: check_validator(fields)),
    ("expireAfterSeconds", _check_expiry),
)
