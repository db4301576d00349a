"""The changes of the catalog, as change events tell of them: collections, indexes, options, views.

Source: manual, Change Events: create, createIndexes, drop, dropDatabase, dropIndexes, modify, rename.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from bson import Binary

from amongo.values.codec import decode

Document = dict[str, Any]


class CatalogChange(NamedTuple):
    """One change of the catalog.

    operation      as the event names it
    collection     its name; "" for a whole database
    identity       UUID of the collection; None where the event has none
    description    of the operation; None if there is none
    is_expanded    only expanded streams see it
    target         {db, coll} that a collection was renamed to
    state_before   of a collection that was modified
    """

    operation: str
    collection: str
    identity: Binary | None = None
    description: Document | None = None
    is_expanded: bool = False
    target: Document | None = None
    state_before: Document | None = None


def catalog_changes(database: str, head: Document) -> Iterator[CatalogChange]:
    """The changes that an entry of kind `c` makes, in the server's order."""
    command = head["o"]
    tell = _COMMANDS.get(next(iter(command)))
    return iter(()) if tell is None else tell(database, head, command)


def _create(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    options = command["options"]
    description = dict(options)
    if "clusteredIndex" not in options:
        description["idIndex"] = _id_index(options)
    yield CatalogChange("create", command["create"], head["ui"], description, is_expanded=True)


def _id_index(options: Document) -> Document:
    index: Document = {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    return index | {"collation": options["collation"]} if "collation" in options else index


def _drop(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    yield CatalogChange("drop", command["drop"], head["ui"])


def _drop_database(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    """Each collection is dropped, then the database."""
    for dropped in head.get("o2", {}).get("collections", ()):
        yield CatalogChange("drop", dropped["name"], dropped["ui"])
    yield CatalogChange("dropDatabase", "")


def _rename(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    source = command["renameCollection"].partition(".")[2]
    target_database, _, target = command["to"].partition(".")
    to = {"db": target_database, "coll": target}
    description: Document = {"to": to}
    if "dropTarget" in command:
        description["dropTarget"] = command["dropTarget"]
    yield CatalogChange("rename", source, head["ui"], description, target=to)


def _convert_to_capped(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    """The server copies into a new collection, which then takes the name of the old one: of that, this is told."""
    name, identity = command["convertToCapped"], command["uuid"]
    to = {"db": database, "coll": name}
    temporary = f"tmp{bytes(identity).hex()[:5]}.convertToCapped.{name}"
    description = {"to": to, "dropTarget": head["ui"]}
    yield CatalogChange("rename", temporary, identity, description, target=to)


def _create_indexes(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    description = {"indexes": command.get("indexes") or [_definition(command)]}
    yield CatalogChange("createIndexes", command["createIndexes"], head["ui"], description, is_expanded=True)


def _definition(command: Document) -> Document:
    return {name: value for name, value in command.items() if name != "createIndexes"}


def told_together(heads: Iterator[Document], first: Document) -> tuple[Document, int]:
    """(the head of an entry, with what the next entries say of the same command, how many entries that are).

    The server builds the indexes of one command together where there are documents; in an empty collection it makes
    one after the other. A collMod may change both options and an index.

    heads   of the entries behind it
    """
    command = first["o"]
    if "createIndexes" in command and first.get("o2", {}).get("documents"):
        definitions = [_definition(command)]
        for head in heads:
            if "createIndexes" not in head.get("o", ()) or head["ui"] != first["ui"]:
                break
            definitions.append(_definition(head["o"]))
        return first | {"o": {"createIndexes": command["createIndexes"], "indexes": definitions}}, len(definitions)
    if "collMod" in command and "options" in command:
        head = next(heads, {})
        if "collMod" in head.get("o", ()) and "index" in head["o"] and head["ui"] == first["ui"]:
            return first | {"o": command | head["o"], "o2": head.get("o2", {}) | first.get("o2", {})}, 2
    return first, 1


def _drop_indexes(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    description = {"indexes": [head.get("o2") or {"name": command["index"]}]}
    yield CatalogChange("dropIndexes", command["dropIndexes"], head["ui"], description, is_expanded=True)


def _modify(database: str, head: Document, command: Document) -> Iterator[CatalogChange]:
    before = head.get("o2", {})
    options = before.get("options", {})
    state: Document = {"collectionOptions": {"uuid": head["ui"], **options}}
    description: Document = dict(before.get("asked", {}))
    if "index" in command:
        changed, state["indexOptions"] = _changed_index(command["index"], before.get("index", {}))
        description["index"] = {"name": command["index"]["name"], **changed}
    elif "asked" not in before:  # nobody has: a collection that $out has filled is not temporary any more
        return
    yield CatalogChange("modify", command["collMod"], head["ui"], description, is_expanded=True, state_before=state)


def _changed_index(after: Document, before: Document) -> tuple[Document, Document]:
    """(what was changed in an index, what was there before)."""
    if after.get("unique") and not before.get("unique"):
        return {"unique": True}, {}
    names = [name for name in _INDEX_OPTIONS if after.get(name, False) != before.get(name, False)]
    had = {name: before.get(name, False) for name in names if name in before or name != "expireAfterSeconds"}
    return {name: after.get(name, False) for name in names}, had


_INDEX_OPTIONS: Final = ("expireAfterSeconds", "hidden", "prepareUnique")

_COMMANDS: Final[dict[str, Callable[[str, Document, Document], Iterator[CatalogChange]]]] = {
    "create": _create,
    "drop": _drop,
    "dropDatabase": _drop_database,
    "renameCollection": _rename,
    "convertToCapped": _convert_to_capped,
    "createIndexes": _create_indexes,
    "dropIndexes": _drop_indexes,
    "collMod": _modify,
}


def view_changes(database: str, operation: str, documents: list[bytes]) -> Iterator[CatalogChange]:
    """The changes of views, by what is written to `system.views`.

    operation   of the entry: "i", "u" or "d"
    """
    name = {"i": "create", "u": "modify", "d": "drop"}[operation]
    for raw in documents if operation == "i" else documents[:1]:
        view = decode(raw)
        definition = {field: value for field, value in view.items() if field != "_id"}
        collection = view["_id"].partition(".")[2]
        yield CatalogChange(name, collection, description=None if operation == "d" else definition, is_expanded=True)
