"""The option `encryptedFields` of create: checked as the server checks it.

amongo does not keep such collections: they need MongoDB's own library on the client's side and the tags of encrypted
values on the server's. What is wrong with the option is said all the same. Source: manual, Queryable Encryption,
"Encrypted Fields and Enabled Queries".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bson import Decimal128

from amongo.commands.expected_uuid import parse_uuid
from amongo.commands.fields import Field, check, parse_fields, to_integer
from amongo.errors import command as command_errors
from amongo.errors import encryption as errors
from amongo.values.order import compare, equal
from amongo.values.types import ALIASES, BsonType, alias

_CONTEXT: Final = "create.encryptedFields"
_FIELDS: Final = {
    "fields": Field("array", required=True),
    "escCollection": Field("string"),
    "ecocCollection": Field("string"),
    "strEncodeVersion": Field("integer"),
}
_FIELD: Final = {
    "path": Field("string", required=True),
    "keyId": Field("uuid", required=True),
    "bsonType": Field("string"),
    "queries": Field("object or array", refuses_null=True),
}
_POSITIVE: Final = Field("integer", minimum=1, bound_code=2)
_QUERY: Final = {
    "queryType": Field("string", required=True),
    "contention": Field("integer", minimum=0, bound_code=2),
    "sparsity": Field("integer", minimum=1, maximum=8, bound_code=2),
    "min": Field(),
    "max": Field(),
    "precision": Field("integer", minimum=0, bound_code=2),
    "trimFactor": Field("integer", minimum=0, bound_code=2),
    "strMaxLength": _POSITIVE,
    "strMinQueryLength": _POSITIVE,
    "strMaxQueryLength": _POSITIVE,
    "caseSensitive": Field("bool"),
    "diacriticSensitive": Field("bool"),
}
_WHOLE: Final = ("contention", "sparsity", "precision", "trimFactor")
_TEXT: Final = ("suffixPreview", "prefixPreview", "substringPreview")
_QUERY_TYPES: Final = frozenset({"equality", "range", "rangePreview", *_TEXT})

_TYPES: Final = frozenset(ALIASES.values()) - {"missing"}
_NOT_ENCRYPTED: Final = frozenset({"null", "undefined", "minKey", "maxKey"})
_NOT_FOR_EQUALITY: Final = _NOT_ENCRYPTED | {"double", "decimal", "object", "array"}
_RANGE_BITS: Final = {"int": 32, "long": 64, "date": 64, "double": 64, "decimal": 128}


def check_encrypted_fields(value: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Refuse `encryptedFields` that no collection can have, or not this one.

    options   the other options of create
    errors    those of `amongo.errors.encryption`, of `parse_fields`; INVALID_UUID, NOT_ENUMERATED, FAILED_TO_PARSE
    """
    if options["viewOn"] is not None or options["timeseries"] is not None:
        raise errors.ENCRYPTED_KIND()
    if options["capped"]:
        raise errors.ENCRYPTED_CAPPED()
    fields = []
    for each in parse_fields(_CONTEXT, value, _FIELDS, generic={})["fields"]:
        check("create", "encryptedFields.fields", Field("object"), each)
        field = parse_fields(f"{_CONTEXT}.fields", each, _FIELD, generic={})
        parse_uuid("create", "encryptedFields.fields.keyId", field["keyId"])
        field["queries"] = _parse_queries(field["queries"])
        _check_path(field["path"])
        if field["bsonType"] is not None and field["bsonType"] not in _TYPES:
            raise command_errors.BAD_VALUE(message=f"Unknown type name: {field['bsonType']}")
        fields.append(field)
    seen: list[dict[str, Any]] = []
    for field in fields:
        _check_different(field, seen)
        _check_queries(field["queries"], field["bsonType"])
        seen.append(field)


def _parse_queries(value: Any) -> list[dict[str, Any]] | None:
    """The query types of a field; None where it cannot be queried.

    errors   those of `parse_fields`, FAILED_TO_PARSE, NOT_ENUMERATED
    """
    if value is None:
        return None
    queries = []
    for each in value if type(value) is list else [value]:
        check("create", "encryptedFields.fields.queries", Field("object"), each)
        for name in _WHOLE:
            if name in each and _is_fractional(each[name]):
                raise command_errors.FAILED_TO_PARSE(message=f"Expected an integer: {name}: {each[name]}")
        query = parse_fields(f"{_CONTEXT}.fields.queries", each, _QUERY, generic={})
        if query["queryType"] not in _QUERY_TYPES:
            raise command_errors.NOT_ENUMERATED(value=query["queryType"], field=f"{_CONTEXT}.fields.queries.queryType")
        queries.append(query)
    return queries


def _is_fractional(value: Any) -> bool:
    if type(value) is Decimal128:
        return not equal(value, to_integer(value))
    return type(value) is float and (not math.isfinite(value) or value != int(value))


def _check_path(path: str) -> None:
    if not path:
        raise errors.EMPTY_PATH()
    if "\x00" in path:
        raise errors.NUL_IN_PATH()
    if path.partition(".")[0] == "_id":
        raise errors.ID_PATH()


def _check_different(field: Mapping[str, Any], others: list[dict[str, Any]]) -> None:
    """No two fields have one key, and none lies in another."""
    path = field["path"]
    for other in others:
        if field["keyId"] == other["keyId"]:
            raise errors.SAME_KEY()
    for other in others:
        if path == other["path"]:
            raise errors.SAME_PATH()
        if f"{path}.".startswith(other["path"] + ".") or f"{other['path']}.".startswith(path + "."):
            raise errors.PREFIX_PATH(path=path, other=other["path"])


def _check_queries(queries: list[dict[str, Any]] | None, kind: str | None) -> None:
    """What a field can be asked depends on its type."""
    if queries is None:
        if kind in _NOT_ENCRYPTED:
            raise errors.NOT_ENCRYPTED(kind=kind)
        return
    if not queries:
        raise errors.NO_QUERIES()
    if len(queries) > 2:
        raise errors.TOO_MANY_QUERIES()
    if len(queries) == 2 and {each["queryType"] for each in queries} != {"suffixPreview", "prefixPreview"}:
        raise errors.QUERIES_DIFFER()
    if kind is None:
        raise errors.NO_TYPE()
    for query in queries:
        if query["queryType"] == "equality":
            if kind in _NOT_FOR_EQUALITY:
                raise errors.NOT_FOR_EQUALITY(kind=kind)
        elif query["queryType"] == "rangePreview":
            raise errors.RANGE_PREVIEW()
        elif query["queryType"] == "range":
            _check_range(query, kind)
        else:
            _check_text(query, kind)


def _check_range(query: Mapping[str, Any], kind: str) -> None:
    """errors   NOT_FOR_RANGE, RANGE_TYPE, RANGE_EMPTY, TRIM_TOO_LARGE"""
    bits = _RANGE_BITS.get(kind)
    if bits is None:
        raise errors.NOT_FOR_RANGE(kind=kind)
    for bound in ("min", "max"):
        if query[bound] is not None and alias(query[bound]) != kind:
            raise errors.RANGE_TYPE(bound=bound, actual=alias(query[bound]), kind=kind)
    low, high = query["min"], query["max"]
    if low is not None and high is not None and compare(low, high) >= 0:
        raise errors.RANGE_EMPTY()
    if query["trimFactor"] is not None and query["trimFactor"] >= bits:
        raise errors.TRIM_TOO_LARGE(bits=bits)


def _check_text(query: Mapping[str, Any], kind: str) -> None:
    """errors   NOT_FOR_TEXT, those of what is missing, TEXT_BOUNDS, TEXT_LENGTH"""
    name = query["queryType"]
    if kind != BsonType.STRING.alias:
        raise errors.NOT_FOR_TEXT(kind=kind)
    if name == "substringPreview" and query["strMaxLength"] is None:
        raise errors.TEXT_WITHOUT_LENGTH(query=name)
    for field, missing in (
        ("strMinQueryLength", errors.TEXT_WITHOUT_MIN),
        ("strMaxQueryLength", errors.TEXT_WITHOUT_MAX),
        ("caseSensitive", errors.TEXT_WITHOUT_CASE),
        ("diacriticSensitive", errors.TEXT_WITHOUT_DIACRITICS),
    ):
        if query[field] is None:
            raise missing(query=name)
    if query["strMinQueryLength"] > query["strMaxQueryLength"]:
        raise errors.TEXT_BOUNDS()
    if query["strMaxLength"] is not None and query["strMaxQueryLength"] > query["strMaxLength"]:
        raise errors.TEXT_LENGTH()
