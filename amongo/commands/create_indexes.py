"""createIndexes: make indexes on a collection. Source: manual, createIndexes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.command import Command
from amongo.commands.commit_quorum import check_quorum
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.index_definitions import is_id_index, parse_definition, with_collation
from amongo.commands.index_patterns import TEXT, index_kind
from amongo.commands.namespaces import check_creatable, collection_namespace
from amongo.commands.time_series import indexed_collection, is_series
from amongo.commands.time_series_indexes import check_series_indexes
from amongo.commands.time_series_options import SeriesOptions
from amongo.engine.index_commits import IndexesChanged
from amongo.engine.indexes import Definition
from amongo.engine.records import Collection
from amongo.engine.store import CollectionDropped
from amongo.errors import ServerError
from amongo.errors import command as command_errors
from amongo.errors import index as errors
from amongo.runtime.limits import INDEX_COUNT
from amongo.values.order import equal
from amongo.values.types import alias
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "indexes": Field("array", required=True),
    "ignoreUnknownIndexOptions": Field("bool", default=False),
    "commitQuorum": Field("any"),  # one node votes for itself
    "returnOnStart": Field("bool", default=False),
    "v": Field("any"),
}

_QUORUMS: Final = ("votingMembers", "majority")

# What makes an index another one although its key pattern is the same; and what makes no difference at all.
_SIGNATURE: Final = ("collation", "partialFilterExpression", "wildcardProjection")
_FLAGS: Final = ("unique", "sparse")
_IGNORED: Final = frozenset(
    {"v", "key", "name", "textIndexVersion", "2dsphereIndexVersion", "background", "hidden", "prepareUnique"}
) | {*_SIGNATURE, *_FLAGS}


@dataclass(frozen=True, slots=True)
class CreateIndexesRequest:
    """A createIndexes.

    namespace     "database.collection"
    definitions   of the indexes, in the order in which they are wanted
    max_time_ms   None for no limit
    """

    namespace: str
    definitions: tuple[Definition, ...]
    max_time_ms: int | None = None


def parse(database: str, document: dict[str, Any]) -> CreateIndexesRequest:
    """The request of a createIndexes command.

    errors   those of `parse_fields` and of `parse_definition`; NO_INDEXES, WRONG_TYPE, and those of `_check_quorum`
    """
    fields = parse_fields("createIndexes", document, FIELDS)
    namespace = collection_namespace(database, document["createIndexes"])
    _check_quorum(fields["commitQuorum"])
    if not fields["indexes"]:
        raise errors.NO_INDEXES()
    definitions = []
    for position, each in enumerate(fields["indexes"]):
        if type(each) is not dict:
            raise command_errors.WRONG_TYPE(
                command="createIndexes", field=f"indexes.{position}", actual=alias(each), expected="type 'object'"
            )
        definitions.append(parse_definition(each, ignores_unknown=fields["ignoreUnknownIndexOptions"]))
    return CreateIndexesRequest(namespace, tuple(definitions), fields.get("maxTimeMS"))


def _check_quorum(value: Any) -> None:
    """Refuse a quorum that one member cannot give.

    errors   those of `check_quorum`; UNKNOWN_QUORUM, UNSATISFIABLE_QUORUM
    """
    if value is None:
        return
    quorum = check_quorum("createIndexes", value)
    if isinstance(quorum, str):
        if quorum not in _QUORUMS:
            raise errors.UNKNOWN_QUORUM(name=quorum)
    elif quorum > 1:
        raise errors.UNSATISFIABLE_QUORUM()


def run(instance: Instance, request: CreateIndexesRequest, context: Context) -> dict[str, Any]:
    """{numIndexesBefore, numIndexesAfter, createdCollectionAutomatically or note}.

    errors   those of `amongo.errors.index` under "What stands in the way"; those of `check_creatable`; IS_A_VIEW, those
             of `check_series_indexes`
    """
    store = instance.store
    interrupt = instance.operation_interrupt(context, request.max_time_ms)
    while True:
        with store.lock:
            collection = indexed_collection(store.catalog, request.namespace)
            is_new = collection is None
            if collection is None:
                check_creatable(request.namespace, store.catalog.databases())
                _missing({}, _collated(request, None))
                collection = store.create(request.namespace)
        try:
            before = dict(collection.indexes)
            if is_series(collection):
                check_series_indexes(SeriesOptions.of(collection.options["timeseries"]), request.definitions)
            wanted = _missing(before, _collated(request, collection.options.get("collation")))
            if wanted:
                store.create_indexes(collection, wanted, interrupt, before=before)
        except (CollectionDropped, IndexesChanged):
            continue
        except ServerError as error:
            raise _failed(collection, error) from None
        break
    if any("expireAfterSeconds" in each for each in wanted):
        instance.expiry.look()
    count = sum(not each.get("clustered") for each in before.values())
    reply: dict[str, Any] = {"numIndexesBefore": count, "numIndexesAfter": count + len(wanted)}
    if wanted or is_new:
        reply["createdCollectionAutomatically"] = is_new
    if not wanted:
        reply["note"] = "all indexes already exist"
    return {**reply, "ok": 1.0}


def _collated(request: CreateIndexesRequest, default: dict[str, Any] | None) -> CreateIndexesRequest:
    """The request on a collection with this collation, which goes for the indexes that name none.

    errors   those of `with_collation`
    """
    return replace(request, definitions=tuple(with_collation(each, default) for each in request.definitions))


def _failed(collection: Collection, error: ServerError) -> ServerError:
    """The error of a build, named as the server names it."""
    build, identity = uuid.uuid4(), uuid.UUID(bytes=collection.uuid)
    message = f"Index build failed: {build}: Collection {collection.namespace} ( {identity} ) :: caused by :: "
    return ServerError(error.code, message + error.message, error.labels, error.extra)


def _missing(existing: Mapping[str, Definition], request: CreateIndexesRequest) -> list[Definition]:
    """The definitions that the collection does not have yet.

    errors   SAME_NAME_OTHER_KEY, SAME_NAME_OTHER_OPTIONS, OTHER_NAME, OTHER_NAME_AND_OPTIONS, ONE_TEXT_INDEX,
             TOO_MANY; IDENTICAL within one request
    """
    indexes = dict(existing)
    missing: list[Definition] = []
    for definition in request.definitions:
        if is_id_index(definition):
            continue
        if not _is_there(indexes, definition):
            if len(indexes) >= INDEX_COUNT:
                raise errors.TOO_MANY(namespace=request.namespace, pattern=shown(definition["key"]))
            indexes[definition["name"]] = definition
            missing.append(definition)
        elif definition["name"] not in existing:
            raise errors.IDENTICAL(name=definition["name"])
    return missing


def _is_there(indexes: Mapping[str, Definition], definition: Definition) -> bool:
    """Whether this very index is there.

    errors   those of `_missing`
    """
    named = indexes.get(definition["name"])
    if named is not None:
        if not _is_equivalent(named, definition):
            raise errors.SAME_NAME_OTHER_KEY(requested=shown(definition), existing=shown(named))
        if not _has_equal_options(named, definition):
            raise errors.SAME_NAME_OTHER_OPTIONS(requested=shown(definition), existing=shown(named))
        return True
    for other in indexes.values():
        if _is_equivalent(other, definition):
            if _has_equal_options(other, definition):
                raise errors.OTHER_NAME(name=other["name"])
            raise errors.OTHER_NAME_AND_OPTIONS(requested=shown(definition), existing=shown(other))
    if index_kind(definition["key"]) == TEXT:
        for other in indexes.values():
            if index_kind(other["key"]) == TEXT:
                raise errors.ONE_TEXT_INDEX(name=other["name"])
    return False


def _is_equivalent(one: Definition, other: Definition) -> bool:
    """Whether two definitions mean one index, as far as a query can tell. The order of the key's fields counts."""
    return (
        list(one["key"]) == list(other["key"])
        and equal(one["key"], other["key"])
        and _are_equal(one, other, _SIGNATURE)
        and all(bool(one.get(name)) == bool(other.get(name)) for name in _FLAGS)
    )


def _has_equal_options(one: Definition, other: Definition) -> bool:
    return _are_equal(one, other, (one.keys() | other.keys()) - _IGNORED)


def _are_equal(one: Definition, other: Definition, names: Sequence[str] | set[str]) -> bool:
    return all(equal(one.get(name), other.get(name)) for name in names)


COMMAND = Command("createIndexes", parse, run)
