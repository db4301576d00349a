"""What can be called on a collection: each call as the command that mongosh would send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bson import ObjectId

from amongo.cli.shell.answers import Answer, CallRefused, Documents, Value
from amongo.cli.shell.connection import Connection, plain_reply
from amongo.cli.shell.language import Step

# Options of a call -> fields of the command; the others keep their names.
_FIND_OPTIONS: Final = (
    "sort", "skip", "limit", "hint", "collation", "comment", "maxTimeMS", "batchSize", "let", "max", "min",
    "allowDiskUse", "returnKey", "showRecordId", "readConcern", "noCursorTimeout",
)  # fmt: skip
_CURSOR_OPTIONS: Final = ("sort", "skip", "limit", "hint", "collation", "comment", "maxTimeMS", "max", "min",
                          "batchSize", "readConcern")  # fmt: skip
_UPDATE_OPTIONS: Final = ("upsert", "collation", "arrayFilters", "hint")
_ENDS: Final = ("toArray", "pretty", "count", "itcount", "size", "explain", "next", "tryNext", "hasNext")

Call = Callable[["CollectionCalls", Sequence[Any]], Answer]


class CollectionCalls:
    """Calls on one collection."""

    def __init__(self, connection: Connection, database: str, name: str) -> None:
        self._connection = connection
        self._database = database
        self.name = name

    def answer(self, step: Step, following: Sequence[Step]) -> Answer:
        """What a call gives, with the calls that follow it (`.sort(…).limit(5)`).

        errors   CallRefused, WriteRefused, PyMongoError
        """
        arguments = list(step.arguments or ())
        if step.name == "find":
            return self._find(arguments, following)
        if step.name == "aggregate":
            return self._aggregate(arguments, following)
        if step.name == "explain":
            return self._explain(arguments, following)
        if step.name == "getIndexes" and not following:
            return Value(list(self._connection.documents({"listIndexes": self.name}, self._database)))
        call = _CALLS.get(step.name)
        if call is None:
            raise CallRefused(f"`{step.name}` of a collection is not known here; see `help`")
        if following and [each.name for each in following] != ["pretty"]:
            raise CallRefused(f"nothing can be called on what `{step.name}` gives")
        return call(self, arguments)

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """The reply of a command of this collection's database."""
        return self._connection.run(command, self._database)

    # Reads

    def _find(self, arguments: Sequence[Any], following: Sequence[Step]) -> Answer:
        query, projection, options = _taken("find", arguments, ({}, {}, {}))
        command: dict[str, Any] = {"find": self.name, "filter": query}
        if projection:
            command["projection"] = projection
        command |= _known("find", options, _FIND_OPTIONS)
        end: Step | None = None
        for step in following:
            if end is not None and step.name != "pretty":
                raise CallRefused(f"nothing can be called on what `{end.name}` gives")
            if step.name in _ENDS:
                end = end if step.name == "pretty" else step
                continue
            _set_cursor_option(command, step)
        return self._ended(command, end)

    def _ended(self, command: dict[str, Any], end: Step | None) -> Answer:
        name = None if end is None else end.name
        if end is not None and name == "explain":
            return self._explained(command, end.arguments)
        if name in ("count", "size"):
            counted = ("hint", "collation") if name == "count" else ("skip", "limit", "hint", "collation")
            taken = {each: command[each] for each in counted if each in command}
            return Value(self.run({"count": self.name, "query": command["filter"], **taken})["n"])
        documents = self._connection.documents(command, self._database)
        return _taken_from(documents, name)

    def _aggregate(self, arguments: Sequence[Any], following: Sequence[Step]) -> Answer:
        pipeline, options = list(arguments), {}
        if arguments and type(arguments[0]) is list:
            pipeline, options = _taken("aggregate", arguments, ([], {}))
        options = dict(options)
        explains = options.pop("explain", None)
        batch = {"batchSize": options.pop("batchSize")} if "batchSize" in options else {}
        command = {"aggregate": self.name, "pipeline": pipeline, "cursor": batch, **options}
        end = next((step for step in following if step.name != "pretty"), None)
        if end is not None and end.name not in _ENDS:
            raise CallRefused(f"`{end.name}` of an aggregation is not known here")
        if explains or (end is not None and end.name == "explain"):
            return self._explained(
                command, (explains,) if type(explains) is str else None if end is None else end.arguments
            )
        documents = self._connection.documents(command, self._database)
        return _taken_from(documents, None if end is None else end.name)

    def _explain(self, arguments: Sequence[Any], following: Sequence[Step]) -> Answer:
        if not following or following[0].name not in ("find", "aggregate"):
            raise CallRefused("`explain()` is followed by `.find(…)` or `.aggregate(…)`")
        explain = Step("explain", tuple(arguments))
        return self.answer(following[0], [*following[1:], explain])

    def _explained(self, command: dict[str, Any], arguments: Sequence[Any] | None) -> Answer:
        verbosity = arguments[0] if arguments else "queryPlanner"
        return Value(plain_reply(self.run({"explain": command, "verbosity": verbosity})))

    # Writes

    def _insert(self, documents: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        made = []
        for document in documents:
            if type(document) is not dict:
                raise CallRefused("a document is expected")
            made.append(document if "_id" in document else {"_id": ObjectId()} | document)
        self.run({"insert": self.name, "documents": made, **_known("insert", options, ("ordered", "writeConcern",
                  "bypassDocumentValidation", "comment"))})  # fmt: skip
        return [each["_id"] for each in made]

    def _insert_one(self, arguments: Sequence[Any]) -> Answer:
        document, options = _taken("insertOne", arguments, (None, {}))
        (identity,) = self._insert([document], options)
        return Value({"acknowledged": True, "insertedId": identity})

    def _insert_many(self, arguments: Sequence[Any]) -> Answer:
        documents, options = _taken("insertMany", arguments, (None, {}))
        if type(documents) is not list:
            raise CallRefused("insertMany takes an array of documents")
        identities = self._insert(documents, options)
        return Value({"acknowledged": True, "insertedIds": {str(at): each for at, each in enumerate(identities)}})

    def _update(self, name: str, arguments: Sequence[Any], *, is_multi: bool, is_replacement: bool = False) -> Answer:
        query, change, options = _taken(name, arguments, (None, None, {}))
        begins_with_operator = type(change) is list or (type(change) is dict and next(iter(change), "").startswith("$"))
        if type(change) not in (dict, list) or begins_with_operator == is_replacement:
            wanted = "a document without operators" if is_replacement else "update operators or a pipeline"
            raise CallRefused(f"{name} takes {wanted}")
        statement = {"q": query, "u": change, "multi": is_multi, **_known(name, options, _UPDATE_OPTIONS)}
        reply = self.run({"update": self.name, "updates": [statement]})
        upserted = reply.get("upserted") or []
        return Value(
            {
                "acknowledged": True,
                "insertedId": upserted[0]["_id"] if upserted else None,
                "matchedCount": reply["n"] - len(upserted),
                "modifiedCount": reply["nModified"],
                "upsertedCount": len(upserted),
            }
        )

    def _delete(self, name: str, arguments: Sequence[Any], limit: int) -> Answer:
        query, options = _taken(name, arguments, (None, {}))
        if type(query) is not dict:
            raise CallRefused(f"{name} takes a filter")
        statement = {"q": query, "limit": limit, **_known(name, options, ("collation", "hint"))}
        return Value(
            {"acknowledged": True, "deletedCount": self.run({"delete": self.name, "deletes": [statement]})["n"]}
        )

    def _find_and(self, name: str, arguments: Sequence[Any], change: Mapping[str, Any], options: Any) -> Answer:
        options = dict(options)
        if options.pop("returnNewDocument", None) or options.pop("returnDocument", None) == "after":
            options["new"] = True
        if "projection" in options:
            options["fields"] = options.pop("projection")
        allowed = ("sort", "fields", "new", "upsert", "collation", "arrayFilters", "hint", "maxTimeMS")
        command = {"findAndModify": self.name, "query": arguments[0], **change, **_known(name, options, allowed)}
        return Value(self.run(command).get("value"))

    def _find_one_and_delete(self, arguments: Sequence[Any]) -> Answer:
        query, options = _taken("findOneAndDelete", arguments, (None, {}))
        return self._find_and("findOneAndDelete", [query], {"remove": True}, options)

    def _find_one_and_update(self, arguments: Sequence[Any]) -> Answer:
        query, change, options = _taken("findOneAndUpdate", arguments, (None, None, {}))
        return self._find_and("findOneAndUpdate", [query], {"update": change}, options)

    # The collection itself

    def _create_index(self, arguments: Sequence[Any]) -> Answer:
        keys, options = _taken("createIndex", arguments, (None, {}))
        return Value(self._made_indexes([keys], options)[0])

    def _create_indexes(self, arguments: Sequence[Any]) -> Answer:
        keys, options = _taken("createIndexes", arguments, (None, {}))
        return Value(self._made_indexes(keys, options))

    def _made_indexes(self, patterns: Sequence[Any], options: Mapping[str, Any]) -> list[str]:
        indexes = []
        for keys in patterns:
            if type(keys) is not dict or not keys:
                raise CallRefused("an index takes a pattern, as in `{a: 1}`")
            name = "_".join(f"{field}_{direction}" for field, direction in keys.items())
            indexes.append({"key": keys, "name": name} | dict(options))
        self.run({"createIndexes": self.name, "indexes": indexes})
        return [str(each["name"]) for each in indexes]

    def _distinct(self, arguments: Sequence[Any]) -> Answer:
        path, query, options = _taken("distinct", arguments, (None, {}, {}))
        known = _known("distinct", options, ("collation", "maxTimeMS", "hint", "comment"))
        return Value(self.run({"distinct": self.name, "key": path, "query": query, **known})["values"])

    def _count_documents(self, arguments: Sequence[Any]) -> Answer:
        query, options = _taken("countDocuments", arguments, ({}, {}))
        stages: list[dict[str, Any]] = [{"$match": query}]
        stages += [{f"${name}": options[name]} for name in ("skip", "limit") if name in options]
        stages.append({"$group": {"_id": 1, "n": {"$sum": 1}}})
        known = {name: options[name] for name in ("hint", "collation", "maxTimeMS") if name in options}
        command = {"aggregate": self.name, "pipeline": stages, "cursor": {}, **known}
        return Value(next((each["n"] for each in self._connection.documents(command, self._database)), 0))

    def _find_one(self, arguments: Sequence[Any]) -> Answer:
        query, projection, options = _taken("findOne", arguments, ({}, {}, {}))
        command = {"find": self.name, "filter": query, "projection": projection, "limit": 1, "singleBatch": True}
        command |= _known("findOne", options, _FIND_OPTIONS)
        return Value(next(iter(self._connection.documents(command, self._database)), None))

    def _drop(self, arguments: Sequence[Any]) -> Answer:
        self.run({"drop": self.name})
        return Value(True)

    def _rename(self, arguments: Sequence[Any]) -> Answer:
        target, drops = _taken("renameCollection", arguments, (None, False))
        names = {"renameCollection": f"{self._database}.{self.name}", "to": f"{self._database}.{target}"}
        return Value(plain_reply(self._connection.run(names | {"dropTarget": drops}, "admin")))

    def reply(self, command: dict[str, Any]) -> Answer:
        """The reply of a command, shown."""
        return Value(plain_reply(self.run(command)))


def _set_cursor_option(command: dict[str, Any], step: Step) -> None:
    """`.sort({…})` and the like. errors: CallRefused."""
    if step.arguments is None:
        raise CallRefused(f"`{step.name}` has to be called")
    name = "projection" if step.name in ("project", "projection") else step.name
    if name == "allowDiskUse":
        command["allowDiskUse"] = step.arguments[0] if step.arguments else True
    elif name in (*_CURSOR_OPTIONS, "projection") and len(step.arguments) == 1:
        command[name] = (
            {"level": step.arguments[0]}
            if name == "readConcern" and type(step.arguments[0]) is str
            else step.arguments[0]
        )
    else:
        raise CallRefused(f"`{step.name}` of a cursor is not known here, or takes other arguments; see `help`")


def _taken_from(documents: Documents, end: str | None) -> Answer:
    if end is None:
        return documents
    if end == "toArray":
        return Value(list(documents))
    if end == "itcount":
        return Value(sum(1 for _ in documents))
    if end == "hasNext":
        return Value(documents.has_more())
    if end in ("next", "tryNext"):
        return Value(next(iter(documents), None))
    raise CallRefused(f"`{end}` is not known here")


def _taken(name: str, arguments: Sequence[Any], defaults: tuple[Any, ...]) -> list[Any]:
    """The arguments of a call, with what is left out; a default of None has to be given. errors: CallRefused."""
    if len(arguments) > len(defaults):
        raise CallRefused(f"{name} takes {len(defaults)} arguments at most")
    taken = []
    for at, default in enumerate(defaults):
        given = arguments[at] if at < len(arguments) else default
        if given is None and default is None:
            raise CallRefused(f"{name} takes more arguments")
        taken.append(default if given is None else given)
    return taken


def _known(name: str, options: Any, allowed: Sequence[str]) -> dict[str, Any]:
    """errors: CallRefused for an option that is none of those allowed."""
    if type(options) is not dict or not options.keys() <= set(allowed):
        raise CallRefused(f"{name} takes the options {', '.join(allowed)}")
    return dict(options)


_CALLS: Final[Mapping[str, Call]] = {
    "findOne": CollectionCalls._find_one,
    "countDocuments": CollectionCalls._count_documents,
    "count": CollectionCalls._count_documents,
    "estimatedDocumentCount": lambda calls, _: Value(calls.run({"count": calls.name})["n"]),
    "distinct": CollectionCalls._distinct,
    "insertOne": CollectionCalls._insert_one,
    "insertMany": CollectionCalls._insert_many,
    "updateOne": lambda calls, given: calls._update("updateOne", given, is_multi=False),
    "updateMany": lambda calls, given: calls._update("updateMany", given, is_multi=True),
    "replaceOne": lambda calls, given: calls._update("replaceOne", given, is_multi=False, is_replacement=True),
    "deleteOne": lambda calls, given: calls._delete("deleteOne", given, 1),
    "deleteMany": lambda calls, given: calls._delete("deleteMany", given, 0),
    "findOneAndDelete": CollectionCalls._find_one_and_delete,
    "findOneAndUpdate": CollectionCalls._find_one_and_update,
    "findOneAndReplace": CollectionCalls._find_one_and_update,
    "createIndex": CollectionCalls._create_index,
    "createIndexes": CollectionCalls._create_indexes,
    "dropIndex": lambda calls, given: calls.reply(
        {"dropIndexes": calls.name, "index": _taken("dropIndex", given, (None,))[0]}
    ),
    "dropIndexes": lambda calls, given: calls.reply(
        {"dropIndexes": calls.name, "index": _taken("dropIndexes", given, ("*",))[0]}
    ),
    "drop": CollectionCalls._drop,
    "renameCollection": CollectionCalls._rename,
    "stats": lambda calls, _: calls.reply({"collStats": calls.name}),
    "validate": lambda calls, given: calls.reply({"validate": calls.name} | _taken("validate", given, ({},))[0]),
    "dataSize": lambda calls, _: Value(calls.run({"collStats": calls.name})["size"]),
    "storageSize": lambda calls, _: Value(calls.run({"collStats": calls.name})["storageSize"]),
    "totalIndexSize": lambda calls, _: Value(calls.run({"collStats": calls.name})["totalIndexSize"]),
    "isCapped": lambda calls, _: Value(bool(calls.run({"collStats": calls.name}).get("capped"))),
}
CALLS: Final = ("find", "aggregate", "explain", "getIndexes", *_CALLS)
