"""dropIndexes: remove indexes of a collection. Source: manual, dropIndexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.time_series import indexed_collection
from amongo.engine.indexes import ID_INDEX_NAME, Definition
from amongo.engine.records import Collection
from amongo.errors import command as command_errors
from amongo.errors import index as errors
from amongo.values.order import equal
from amongo.values.types import alias
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"index": Field("any")}

_ALL = ["*"]


@dataclass(frozen=True, slots=True)
class DropIndexesRequest:
    """A dropIndexes.

    namespace   "database.collection"
    names       of the indexes to drop, `["*"]` for all but that of `_id`; None when `pattern` says which
    pattern     the key pattern of the one to drop
    """

    namespace: str
    names: list[str] | None
    pattern: dict[str, Any] | None


def parse(database: str, document: dict[str, Any]) -> DropIndexesRequest:
    """The request of a dropIndexes command.

    errors   COLLECTION_NAME_TYPE, INVALID_NAMESPACE, those of `parse_fields`; MISSING_FIELD, WRONG_TYPE
    """
    name = next(iter(document))
    parse_fields(name, document, FIELDS)
    namespace = collection_namespace(database, document[name])
    if "index" not in document:
        raise command_errors.MISSING_FIELD(command="dropIndexes", field="index")
    index = document["index"]
    if type(index) is dict:
        return DropIndexesRequest(namespace, None, index)
    names = [index] if type(index) is str else index
    if type(names) is not list:
        raise _wrong_type("index", index, "types '[string, object, array]'")
    for position, each in enumerate(names):
        if type(each) is not str:
            raise _wrong_type(f"index.{position}", each, "type 'string'")
    return DropIndexesRequest(namespace, names, None)


def _wrong_type(field: str, value: Any, expected: str) -> Exception:
    return command_errors.WRONG_TYPE(command="dropIndexes", field=field, actual=alias(value), expected=expected)


def run(instance: Instance, request: DropIndexesRequest, context: Context) -> dict[str, Any]:
    """{nIndexesWas}; with `"*"` also a message.

    errors   NAMESPACE_NOT_FOUND, IS_A_VIEW, NO_INDEX_NAMED, NO_INDEX_WITH_KEY, AMBIGUOUS_KEY, CANNOT_DROP_ID,
             CANNOT_DROP_CLUSTERED, BUILD_RUNS
    """
    store = instance.store
    with store.lock:
        collection = indexed_collection(store.catalog, request.namespace)
        if collection is None:
            raise command_errors.NAMESPACE_NOT_FOUND(message=f"ns not found {request.namespace}")
        count = sum(not each.get("clustered") for each in collection.indexes.values())
        in_work = store.definitions_in_work(collection)
        names = _chosen(collection, request, {each["name"]: each for build in in_work for each in build})
        _check_builds(collection, names, in_work)
        store.abort_builds(collection, names)
        built = [name for name in names if name in collection.indexes]
        if built:
            store.drop_indexes(collection, built)
    reply: dict[str, Any] = {"nIndexesWas": count}
    if request.names == _ALL:
        reply["msg"] = "non-_id indexes dropped for collection"
    return {**reply, "ok": 1.0}


def _chosen(collection: Collection, request: DropIndexesRequest, in_work: dict[str, Definition]) -> list[str]:
    """The names of the indexes to drop.

    in_work   the definitions of those that are being built: to drop one is to stop its build
    errors    those of `run`
    """
    indexes = in_work | collection.indexes
    if request.pattern is not None:
        return [_with_key(indexes, request.pattern)]
    names = request.names or []
    if names == _ALL:
        return [name for name, each in indexes.items() if name != ID_INDEX_NAME and not each.get("clustered")]
    chosen: list[str] = []
    for name in names:
        if name not in indexes or name in chosen:
            raise errors.NO_INDEX_NAMED(name=name)
        _check_droppable(indexes[name])
        chosen.append(name)
    return chosen


def _check_builds(collection: Collection, names: list[str], in_work: list[tuple[Definition, ...]]) -> None:
    """Indexes that are built together are stopped together. errors: BUILD_RUNS"""
    for build in in_work:
        wanted = {each["name"] for each in build}
        if not wanted.isdisjoint(names) and not wanted <= set(names):
            raise errors.BUILD_RUNS(namespace=collection.namespace)


def _with_key(indexes: dict[str, Definition], pattern: dict[str, Any]) -> str:
    found = [
        name for name, each in indexes.items() if list(each["key"]) == list(pattern) and equal(each["key"], pattern)
    ]
    if not found:
        raise errors.NO_INDEX_WITH_KEY(pattern=shown(pattern))
    if len(found) > 1:
        raise errors.AMBIGUOUS_KEY(count=len(found), pattern=shown(pattern), names=", ".join(found))
    _check_droppable(indexes[found[0]])
    return found[0]


def _check_droppable(definition: Definition) -> None:
    if definition.get("clustered"):
        raise errors.CANNOT_DROP_CLUSTERED()
    if definition["name"] == ID_INDEX_NAME:
        raise errors.CANNOT_DROP_ID()


COMMAND = Command("dropIndexes", parse, run, aliases=("deleteIndexes",), is_quick=True)
