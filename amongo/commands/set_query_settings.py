"""setQuerySettings: how all queries of one shape are run; see `query_settings`. Source: manual, setQuerySettings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.query_settings import (
    Setting,
    check_representative,
    keep_settings,
    merge,
    parse_query,
    query_shape,
    settings_by_hash,
)
from amongo.errors import command as command_errors
from amongo.errors import query as query_errors
from amongo.errors import query_settings as errors
from amongo.planner.query_shape import shape_hash
from amongo.values.numbers import exact_integer
from amongo.values.types import alias, is_number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"settings": Field("object", required=True)}

_SETTINGS: Final = {
    "indexHints": Field("object or array"),
    "queryFramework": Field("string"),
    "reject": Field("bool", refuses_null=True),
    "comment": Field(),
}
_HINT: Final = {"ns": Field("object", required=True), "allowedIndexes": Field("array", required=True)}
_NAMESPACE: Final = {"db": Field("string"), "coll": Field("string")}
_FRAMEWORKS: Final = ("classic", "sbe")
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SetQuerySettingsRequest:
    """A setQuerySettings.

    query      of the shape; None where the shape is named by its hash
    hash       of the shape; None where a query is given
    settings   those that are given, and no others
    """

    query: dict[str, Any] | None
    hash: str | None
    settings: dict[str, Any]


def parse(database: str, document: dict[str, Any]) -> SetQuerySettingsRequest:
    """The request of a setQuerySettings document.

    errors   those of `parse_shape_name`; UNKNOWN_FIELD, WRONG_TYPE, MISSING_FIELD; those of the settings:
             NOT_ENUMERATED, HINT_TYPE, HINT_NATURAL, EMPTY, NAMESPACE_WITHOUT_DATABASE, NAMESPACE_WITHOUT_COLLECTION
    """
    query, hash = parse_shape_name("setQuerySettings", document)
    fields = parse_fields("setQuerySettings", document, FIELDS)
    settings = parse_fields("settings", fields["settings"], _SETTINGS, generic={})
    framework, hints = settings["queryFramework"], settings["indexHints"]
    if framework is not None and framework not in _FRAMEWORKS:
        raise command_errors.NOT_ENUMERATED(value=framework, field="settings.queryFramework")
    if hints is not None:
        parsed = [_index_hint(each) for each in ([hints] if type(hints) is dict else hints)]
        settings["indexHints"] = parsed
        for each in parsed:
            _check_namespace(each["ns"])
    settings = {name: value for name, value in settings.items() if value is not None}
    if not settings:
        raise errors.EMPTY()
    return SetQuerySettingsRequest(query, hash, settings)


def parse_shape_name(command: str, document: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """(query, hash) of a command whose first field is either; the other is None.

    errors   WRONG_TYPE, HASH_DIGITS, HASH_LENGTH, MISSING_FIELD for a query without `$db`
    """
    named = document[command]
    if type(named) is str:
        return None, _parse_hash(named)
    if type(named) is not dict:
        raise command_errors.WRONG_TYPE(
            command=command, field=command, actual=alias(named), expected="types '[string, object]'"
        )
    if named.get("$db") is None:
        raise command_errors.MISSING_FIELD(command=command, field="$db")
    if type(named["$db"]) is not str:
        raise command_errors.WRONG_TYPE(
            command=command, field="$db", actual=alias(named["$db"]), expected="type 'string'"
        )
    return named, None


def _parse_hash(text: str) -> str:
    """A hash as it is kept.

    errors   HASH_DIGITS, HASH_LENGTH
    """
    if len(text) % 2 or not set(text) <= set("0123456789abcdefABCDEF"):
        raise errors.HASH_DIGITS(value=text)
    if len(text) != 2 * _HASH_BYTES:
        raise errors.HASH_LENGTH(count=len(text) // 2)
    return text.upper()


def _index_hint(spec: Any) -> dict[str, Any]:
    """One entry of `indexHints`.

    errors   WRONG_TYPE, MISSING_FIELD, UNKNOWN_FIELD, HINT_TYPE, HINT_NATURAL
    """
    name = "settings.indexHints"
    if type(spec) is not dict:
        raise command_errors.WRONG_TYPE(
            command="settings", field="indexHints", actual=alias(spec), expected="type 'object'"
        )
    hint = parse_fields(name, spec, _HINT, generic={})
    namespace = parse_fields(f"{name}.ns", hint["ns"], _NAMESPACE, generic={})
    for index in hint["allowedIndexes"]:
        if type(index) not in (str, dict):
            raise errors.HINT_TYPE()
        if type(index) is dict and "$natural" in index:
            direction = index["$natural"]
            if not is_number(direction) or exact_integer(direction) not in (1, -1):
                raise query_errors.HINT_NATURAL()
    return {"ns": namespace, "allowedIndexes": hint["allowedIndexes"]}


def _check_namespace(namespace: dict[str, Any]) -> None:
    if namespace["db"] is None:
        raise errors.NAMESPACE_WITHOUT_DATABASE()
    if namespace["coll"] is None:
        raise errors.NAMESPACE_WITHOUT_COLLECTION()


def run(instance: Instance, request: SetQuerySettingsRequest, context: Context) -> dict[str, Any]:
    """{queryShapeHash, settings, representativeQuery}: all that is set for the shape now.

    errors   those of `parse_query`, `check_representative`, `merge` and `keep_settings`
    """
    hash = request.hash
    if request.query is not None:
        query = parse_query(request.query)
        check_representative(query)
        hash = shape_hash(query_shape(query))
    assert hash is not None  # a query or a hash was given
    with instance.store.lock:
        by_hash = settings_by_hash(instance)
        before = by_hash.get(hash, Setting({}))
        merged = Setting(merge(before.settings, request.settings), request.query or before.representative)
        by_hash[hash] = merged
        keep_settings(instance, by_hash)
    return {**merged.document(hash), "ok": 1.0}


COMMAND = Command("setQuerySettings", parse, run, is_admin_only=True)
