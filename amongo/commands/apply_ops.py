"""applyOps: apply entries of an oplog to the node. Source: manual, applyOps.

An entry is {op, ns, o, o2}: "i" inserts `o`, or replaces the document with its `_id`; "u" changes the document of `o2`,
which must be there, to `o` or by its difference; "d" deletes the document of `o`; "c" runs the command `o`; "n" does
nothing and does not count. Each is applied by itself: those before one that fails stay applied. A collection is never
created on the way. A command is run as if a client had sent it, so that a collection gets a UUID of its own: a `create`
that asks for a certain one (`ui`) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Binary

from amongo.commands import delete, insert, update
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, check
from amongo.commands.namespaces import parse_namespace
from amongo.commands.replies import WriteReply
from amongo.errors import ErrorCode, ServerError
from amongo.errors import administration as errors
from amongo.errors import command as command_errors
from amongo.errors.view import IS_A_VIEW
from amongo.mql.updates.oplog_difference import apply_difference
from amongo.values.codec import decode, encode_in_order
from amongo.values.key_bytes import id_key
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]

_NAME: Final = "applyOps"
_DEEPEST: Final = 10  # server: applyOps within applyOps

_OPTIONS: Final = {
    "preCondition": Field("array"),
    "alwaysUpsert": Field("bool"),
    "prepare": Field("bool"),
    "partialTxn": Field("bool"),
    "count": Field("integer"),
    "bypassDocumentValidation": Field("flag", default=False),
}
_KINDS: Final = frozenset({"i", "u", "d", "c", "n"})

# Commands that an entry may hold -> the errors that mean that it has been applied before.
_COMMANDS: Final[Mapping[str, frozenset[int]]] = {
    "create": frozenset({ErrorCode.NamespaceExists}),
    "createIndexes": frozenset(
        {ErrorCode.IndexAlreadyExists, ErrorCode.IndexBuildAlreadyInProgress, ErrorCode.NamespaceNotFound}
    ),
    "commitIndexBuild": frozenset({ErrorCode.IndexAlreadyExists, ErrorCode.NamespaceNotFound}),
    "collMod": frozenset({ErrorCode.IndexNotFound, ErrorCode.NamespaceNotFound}),
    "dropDatabase": frozenset({ErrorCode.NamespaceNotFound}),
    "drop": frozenset({ErrorCode.NamespaceNotFound}),
    "dropIndexes": frozenset({ErrorCode.NamespaceNotFound, ErrorCode.IndexNotFound}),
    "deleteIndexes": frozenset({ErrorCode.NamespaceNotFound, ErrorCode.IndexNotFound}),
    "renameCollection": frozenset({ErrorCode.NamespaceNotFound, ErrorCode.NamespaceExists}),
    "convertToCapped": frozenset({ErrorCode.NamespaceNotFound}),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    kind        "i", "u", "d", "c" or "n"
    namespace   "database.collection"; "database.$cmd" for a command
    change      `o`
    target      `o2`; None if it is not given
    identity    the UUID that it names (`ui`), which then says which collection is meant
    nested      the entries of an applyOps within
    """

    kind: str
    namespace: str
    change: Document
    target: Document | None = None
    identity: bytes | None = None
    nested: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class ApplyOpsRequest:
    """An applyOps.

    entries        in their order
    is_validated   what is inserted has to pass the collections' validators
    """

    entries: tuple[Entry, ...]
    is_validated: bool = True


def parse(database: str, document: Document) -> ApplyOpsRequest:
    """The request of an applyOps document; a field that is not known does no harm, nor does `allowAtomic`.

    errors   WRONG_TYPE, NOT_AN_ENTRY, UNKNOWN_KIND, UNKNOWN_ENTRY, NESTED_TOO_OFTEN, HAS_PRECONDITION, ALWAYS_UPSERTS,
             IS_PREPARED, IS_PART_OF_TRANSACTION, HAS_COUNT
    """
    asked = {
        name: check(_NAME, name, field, document[name])
        for name, field in _OPTIONS.items()
        if document.get(name) is not None
    }
    listed = check(_NAME, _NAME, Field("array"), document[_NAME])
    for place, each in enumerate(listed):
        check(_NAME, f"{_NAME}.{place}", Field("object"), each)
    if "preCondition" in asked:
        raise errors.HAS_PRECONDITION()
    if asked.get("alwaysUpsert"):
        raise errors.ALWAYS_UPSERTS()
    if "prepare" in asked:
        raise errors.IS_PREPARED()
    if "partialTxn" in asked:
        raise errors.IS_PART_OF_TRANSACTION()
    if "count" in asked:
        raise errors.HAS_COUNT()
    return ApplyOpsRequest(_parse_entries(listed, 0), not asked.get("bypassDocumentValidation", False))


def _parse_entries(listed: list[Any], depth: int) -> tuple[Entry, ...]:
    if depth > _DEEPEST:
        raise errors.NESTED_TOO_OFTEN()
    return tuple(_parse_entry(each, depth) for each in listed)


def _parse_entry(entry: Any, depth: int) -> Entry:
    if type(entry) is not dict:
        raise errors.NOT_AN_ENTRY(reason="op not an object")
    kind, namespace = _text(entry, "op"), _text(entry, "ns")
    if not kind:
        raise errors.NOT_AN_ENTRY(reason='"op" field value cannot be empty')
    if "\0" in namespace:
        raise errors.NOT_AN_ENTRY(reason="namespaces cannot have embedded null characters")
    if not namespace and not kind.startswith("n"):
        raise errors.NOT_AN_ENTRY(reason="\"ns\" field value cannot be empty when op type is not 'n'")
    if kind.startswith("n"):
        return Entry("n", namespace, {})
    if kind not in _KINDS:
        raise errors.UNKNOWN_KIND(kind=kind)
    if "o" not in entry:
        raise command_errors.MISSING_FIELD(command="OplogEntryBase", field="o")
    change = check("OplogEntryBase", "o", Field("object"), entry["o"])
    target = entry.get("o2")
    if target is not None:
        check("OplogEntryBase", "o2", Field("object"), target)
    identity = entry.get("ui")
    if identity is not None:
        check("OplogEntryBase", "ui", Field("uuid"), identity)
    nested: tuple[Entry, ...] = ()
    if kind == "c":
        name = next(iter(change), "")
        if name == _NAME:
            nested = _parse_entries(check(_NAME, _NAME, Field("array"), change[name]), depth + 1)
        elif name not in _COMMANDS:
            raise errors.UNKNOWN_ENTRY(name=name, fields=change)
    return Entry(kind, namespace, change, target, None if identity is None else bytes(identity), nested)


def _text(entry: Document, name: str) -> str:
    if name not in entry:
        raise errors.NOT_AN_ENTRY(reason=f'op does not contain required "{name}" field')
    if type(entry[name]) is not str:
        raise errors.NOT_AN_ENTRY(reason=f'"{name}" field is not a string')
    return str(entry[name])


def run(instance: Instance, request: ApplyOpsRequest, context: Context) -> Document:
    """{applied, results}: how many entries were tried, and for each whether it could be applied.

    errors   SOME_FAILED if an update found no document; those of the entry at which it ended, with `applied` and
             `results`
    """
    results: list[bool] = []
    plain = Context(context.interrupt, peer=context.peer)
    _apply_all(instance, request.entries, request.is_validated, plain, results)
    shown = {"applied": len(results), "results": results}
    if not all(results):
        raise errors.SOME_FAILED(extra=shown)
    return {**shown, "ok": 1.0}


def _apply_all(
    instance: Instance, entries: tuple[Entry, ...], is_validated: bool, context: Context, results: list[bool]
) -> None:
    for entry in entries:
        if entry.kind == "n":
            continue
        context.interrupt.check()
        try:
            done = _apply(instance, entry, is_validated, context)
        except ServerError as error:
            results.append(False)
            error.extra = {"applied": len(results), "results": results}
            raise
        results.append(done)


def _apply(instance: Instance, entry: Entry, is_validated: bool, context: Context) -> bool:
    """Whether the entry could be applied.

    errors   those of its command or write
    """
    if entry.kind == "c":
        return _apply_command(instance, entry, is_validated, context)
    namespace = _namespace(instance, entry)
    if namespace not in instance.store.catalog.by_namespace:
        if entry.kind == "d":
            return True
        if instance._exists(namespace):
            raise IS_A_VIEW(namespace=namespace)
        raise errors.NOTHING_TO_APPLY_TO(namespace=namespace)
    if entry.kind == "i":
        return _insert(instance, namespace, entry.change, is_validated, context)
    if entry.kind == "u":
        return _update(instance, namespace, entry, is_validated, context)
    if "_id" not in entry.change:
        raise errors.ENTRY_WITHOUT_ID(what="delete", entry=entry.change)
    statement = delete.DeleteStatement({"_id": {"$eq": entry.change["_id"]}}, multi=False)
    _check(delete.run(instance, delete.DeleteRequest(namespace, (statement,)), context))
    return True


def _namespace(instance: Instance, entry: Entry) -> str:
    """The namespace that an entry means: that of its UUID, where it names one.

    errors   NO_SUCH_UUID, those of `parse_namespace`
    """
    parse_namespace(entry.namespace)
    if entry.identity is None:
        return entry.namespace
    found = instance.store.catalog.by_uuid.get(entry.identity)
    if found is None:
        raise errors.NO_SUCH_UUID(identity=Binary(entry.identity, 4).as_uuid())
    return found.namespace


def _insert(instance: Instance, namespace: str, document: Document, is_validated: bool, context: Context) -> bool:
    if "_id" not in document:
        raise errors.ENTRY_WITHOUT_ID(what="insert", entry=document)
    raw = encode_in_order(document)
    reply = insert.run(instance, insert.InsertRequest(namespace, (raw,), True, is_validated), context)
    first = reply.errors[0] if reply.errors else {}
    if first.get("code") == ErrorCode.DuplicateKey and first.get("keyPattern") == {"_id": 1}:
        return _replace(instance, namespace, document["_id"], document, is_validated, context)
    _check(reply)
    return True


def _update(instance: Instance, namespace: str, entry: Entry, is_validated: bool, context: Context) -> bool:
    if entry.target is None or "_id" not in entry.target:
        raise errors.ENTRY_WITHOUT_ID(what="update", entry=entry.change)
    identity, change = entry.target["_id"], entry.change
    if "_id" in change:
        return _replace(instance, namespace, identity, change, is_validated, context)
    if change.get("$v") != 2:
        raise errors.NEITHER_ID_NOR_VERSION(value=change.get("$v", "EOO"))
    difference = change.get("diff")
    if type(difference) is not dict:
        raise errors.DIFF_NOT_OBJECT(kind=alias(difference) if "diff" in change else "missing")
    collection = instance.store.catalog.by_namespace[namespace]
    found = collection.find_id(id_key(identity, collection.collator))
    if found is None:
        return False
    changed = apply_difference(decode(found[1]), difference)
    return _replace(instance, namespace, identity, changed, is_validated, context)


def _replace(
    instance: Instance, namespace: str, identity: Any, document: Document, is_validated: bool, context: Context
) -> bool:
    """Put a document in the place of the one with this `_id`; whether there was one."""
    statement = update.UpdateStatement({"_id": {"$eq": identity}}, [{"$replaceWith": {"$literal": document}}])
    request = update.UpdateRequest(namespace, (statement,), is_validated=is_validated)
    reply = update.run(instance, request, context)
    _check(reply)
    return reply.n > 0


def _check(reply: WriteReply) -> None:
    """Raise the first of the reply's write errors."""
    if reply.errors:
        first = reply.errors[0]
        raise ServerError(first["code"], first["errmsg"])


def _apply_command(instance: Instance, entry: Entry, is_validated: bool, context: Context) -> bool:
    name = next(iter(entry.change))
    if name == _NAME:
        results: list[bool] = []
        _apply_all(instance, entry.nested, is_validated, context, results)
        return all(results)
    database = entry.namespace.partition(".")[0]
    if name == "create" and entry.identity is not None:
        raise command_errors.NOT_SUPPORTED_YET(
            what="'ui' of a create", reason="every collection gets a UUID of its own"
        )
    document = _as_sent(name, entry.change)
    command = instance.commands[next(iter(document))]
    if command.is_admin_only:
        database = "admin"
    try:
        command.run(instance, command.parse(database, document), context)
    except ServerError as error:
        if error.code not in _COMMANDS[name]:
            raise
    return True


def _as_sent(name: str, change: Document) -> Document:
    """The command as a client sends it."""
    if name == "createIndexes":
        definition = {field: value for field, value in change.items() if field != name}
        return {name: change[name], "indexes": [definition]}
    if name == "commitIndexBuild":
        return {"createIndexes": change[name], "indexes": change.get("indexes", [])}
    if name in ("dropIndexes", "deleteIndexes"):
        return {"dropIndexes": change[name], "index": change.get("index", "*")}
    if name == "renameCollection":
        return {
            name: change[name],
            "to": change.get("to"),
            "dropTarget": change.get("dropTarget", False) is not False,
        }
    return change


COMMAND = Command(_NAME, parse, run, is_admin_only=True)
