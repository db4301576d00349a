"""What commands on collections need, where it depends on more than the collection's name.

Source: the manual's pages of the commands, "Required Access", "Access Control"; Privilege Actions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from amongo.commands.access.actions import actions
from amongo.commands.access.pipeline_needs import FIND, view_needs
from amongo.commands.access.privileges import (
    NORMAL,
    Resource,
    collection_resource,
    database_resource,
    is_of_server,
    namespace_resource,
)
from amongo.commands.access.rules import Asked, Need
from amongo.commands.fields import to_integer, truth

_INSERT: Final = actions("insert")
_UPDATE: Final = actions("update")
_REMOVE: Final = actions("remove")
_BYPASS: Final = actions("bypassDocumentValidation")


def insert_needs(asked: Asked) -> Iterator[Need]:
    """insert."""
    yield _INSERT, asked.target
    yield from _bypass_needs(asked)


def update_needs(asked: Asked) -> Iterator[Need]:
    """update; insert too where a statement may insert."""
    yield _UPDATE, asked.target
    if any(truth(each.get("upsert") or False) for each in asked.document.get("updates") or ()):
        yield _INSERT, asked.target
    yield from _bypass_needs(asked)


def find_and_modify_needs(asked: Asked) -> Iterator[Need]:
    """find, and what it does to what it finds."""
    document = asked.document
    yield FIND, asked.target
    yield (_REMOVE if truth(document.get("remove") or False) else _UPDATE), asked.target
    if truth(document.get("upsert") or False):
        yield _INSERT, asked.target
    yield from _bypass_needs(asked)


def _bypass_needs(asked: Asked) -> Iterator[Need]:
    if truth(asked.document.get("bypassDocumentValidation") or False):
        yield _BYPASS, asked.target


def bulk_write_needs(asked: Asked) -> Iterator[Need]:
    """On each collection what is done to it."""
    document = asked.document
    targets = [namespace_resource(each["ns"]) for each in document["nsInfo"]]
    wanted: dict[Resource, set[str]] = {}
    for operation in document["ops"]:
        kind, value = next(iter(operation.items()))
        place = to_integer(value)
        resource = targets[place] if 0 <= place < len(targets) else NORMAL
        names = wanted.setdefault(resource, set())
        names.add("remove" if kind == "delete" else kind)
        if kind == "update" and operation.get("upsert"):
            names.add("insert")
    bypasses = truth(document.get("bypassDocumentValidation") or False)
    for resource, names in wanted.items():
        yield frozenset(names) | (_BYPASS if bypasses else frozenset()), resource


def map_reduce_needs(asked: Asked) -> Iterator[Need]:
    """find, and what is done to the collection that the result goes to."""
    yield FIND, asked.target
    out = asked.document.get("out")
    mode, name = ("replace", out) if type(out) is str else _output(out)
    if name is None:
        return
    database = out.get("db") if type(out) is dict else None
    target = collection_resource(database if type(database) is str else asked.database, name)
    yield actions("insert remove" if mode == "replace" else "insert update"), target
    if truth(asked.document.get("bypassDocumentValidation") or False):
        yield _BYPASS, target


def _output(out: Any) -> tuple[str, str | None]:
    for mode in ("replace", "merge", "reduce"):
        name = out.get(mode) if type(out) is dict else None
        if type(name) is str:
            return mode, name
    return "inline", None


def may_create(asked: Asked) -> bool:
    """create: what it needs depends on what is created."""
    document, target = asked.document, asked.target
    if document.get("viewOn") is not None:
        return asked.may("createCollection", target) and _may_define_view(asked)
    if truth(document.get("capped") or False):
        return asked.may("createCollection convertToCapped", target)
    return asked.may("createCollection", target) or asked.may("insert", target)


def may_modify(asked: Asked) -> bool:
    """collMod."""
    defines = asked.document.get("viewOn") is not None or asked.document.get("pipeline") is not None
    return asked.may("collMod", asked.target) and (not defines or _may_define_view(asked))


def _may_define_view(asked: Asked) -> bool:
    """Whether the client may read what the view reads; one that may not read the view learns nothing from it."""
    if not asked.may("find", asked.target):
        return True
    source = asked.document.get("viewOn")
    name = source if type(source) is str else ""
    return asked.authority.may_all(view_needs(asked, name, asked.document.get("pipeline")))


def may_rename(asked: Asked) -> bool:
    """renameCollection: within a database an action of its own, else what copying and dropping need."""
    document = asked.document
    source, target = document["renameCollection"], document["to"]
    drops = document.get("dropTarget")
    drops = drops is not None and (type(drops) is not bool or drops)
    here, there = namespace_resource(source), namespace_resource(target)
    is_same = here.database == there.database
    of_server = any(is_of_server(each.database, each.collection) for each in (here, there))
    if is_same and not of_server and asked.may("renameCollectionSameDB", database_resource(here.database)):
        reads_more = asked.may("find", there) and not asked.may("find", here)
        if not reads_more and (not drops or asked.may("dropCollection", there)):
            return True
    into = "insert createIndex dropCollection" if drops else "insert createIndex"
    return asked.may("find dropCollection", here) and asked.may(into, there)


def clone_needs(asked: Asked) -> Iterator[Need]:
    """cloneCollectionAsCapped: find there, and what it takes to make a capped collection here."""
    yield FIND, asked.target
    name = asked.document.get("toCollection")
    target = collection_resource(asked.database, name if type(name) is str else "")
    yield actions("insert createIndex convertToCapped"), target


def data_size_needs(asked: Asked) -> Iterator[Need]:
    """dataSize: find on the collection, which is named with its database."""
    yield FIND, namespace_resource(asked.document["dataSize"])


def file_needs(asked: Asked) -> Iterator[Need]:
    """filemd5: find on the file's chunks."""
    root = asked.document.get("root")
    yield FIND, collection_resource(asked.database, f"{root if type(root) is str else 'fs'}.chunks")


def validate_metadata_needs(asked: Asked) -> Iterator[Need]:
    """validateDBMetadata: validate on the database that is asked about, or on all."""
    database = asked.document.get("db")
    yield actions("validate"), database_resource(database) if type(database) is str and database else NORMAL


def may_profile(asked: Asked) -> bool:
    """profile: to look at the level, it is enough that one may read the profile."""
    if asked.may("enableProfiler", database_resource(asked.database)):
        return True
    sets = asked.document.keys() & {"slowms", "sampleRate", "filter"}
    only_looks = not sets and float(str(asked.document["profile"])) < 0
    return only_looks and asked.may("find", collection_resource(asked.database, "system.profile"))


def apply_ops_needs(asked: Asked) -> Iterator[Need]:
    """applyOps: the action of its own, and what each operation needs; an operation that is a command may be any, and
    needs that one may do anything."""
    yield actions("applyOps"), Resource("cluster")
    kinds = {"i": _INSERT, "u": _UPDATE | _INSERT, "d": _REMOVE, "n": frozenset[str]()}
    for operation in asked.document.get("applyOps") or ():
        if not isinstance(operation, Mapping):
            continue
        wanted = kinds.get(operation.get("op", ""), actions("anyAction"))
        namespace = operation.get("ns")
        if "anyAction" in wanted or type(namespace) is not str:
            yield actions("anyAction"), Resource("anyResource")
        else:
            yield wanted, namespace_resource(namespace)
