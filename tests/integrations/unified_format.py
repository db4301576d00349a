"""A player of MongoDB's "unified test format": the JSON files with which every driver's CRUD behaviour is tested.

The files are not part of this repository. They are read from the folder in which the source distribution of PyMongo was
unpacked; see `test_pymongo_specs`. Source: MongoDB specifications, unified test format.
"""

from __future__ import annotations

import binascii
import datetime
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import bson
from bson import json_util
from bson.binary import Binary
from pymongo import DeleteMany, DeleteOne, IndexModel, InsertOne, ReplaceOne, ReturnDocument, UpdateMany, UpdateOne
from pymongo.errors import BulkWriteError, ClientBulkWriteException, OperationFailure, PyMongoError, WTimeoutError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent
from pymongo.read_concern import ReadConcern
from pymongo.results import (
    BulkWriteResult,
    ClientBulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from pymongo.write_concern import WriteConcern
from unified_sessions import (
    check_last_ids,
    check_session,
    perform_in_transaction,
    read_preference,
    session_options,
    transaction_options,
)

from amongo import AsyncClientSession, AsyncCollection, AsyncDatabase, AsyncMongoClient
from amongo.client.cursor_base import CursorBase

TOPOLOGY = "replicaset"
_SESSION_CHECKS = {"assertSessionDirty", "assertSessionNotDirty", "assertSessionTransactionState"}
_numbers = itertools.count()
MODELS = {
    "insertOne": InsertOne,
    "updateOne": UpdateOne,
    "updateMany": UpdateMany,
    "replaceOne": ReplaceOne,
    "deleteOne": DeleteOne,
    "deleteMany": DeleteMany,
}
TYPES = {
    "double": float,
    "string": str,
    "object": Mapping,
    "array": list,
    "binData": (bytes, Binary),
    "objectId": bson.ObjectId,
    "bool": bool,
    "date": datetime.datetime,
    "null": type(None),
    "int": int,
    "long": int,
    "timestamp": bson.Timestamp,
    "number": (int, float, bson.Decimal128),
}


class NotPlayable(Exception):
    """The test needs what this player, or an embedded store, has not."""


class Mismatch(AssertionError):
    """An outcome is not what the test expects."""


def cases_of(path: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """The description, the file and the test of each test in a file."""
    specification = json_util.loads(path.read_text(), json_options=json_util.JSONOptions(tz_aware=False))
    for test in specification["tests"]:
        yield test["description"], specification, test


async def play(specification: Mapping[str, Any], test: Mapping[str, Any], server_version: str) -> None:
    """Play one test against a store of its own.

    errors   NotPlayable with the reason, Mismatch with what differed
    """
    for part in (specification, test):
        if "skipReason" in part:
            raise NotPlayable(part["skipReason"])
        _meet(part.get("runOnRequirements", []), server_version)
    uri = f"memory://unified-{next(_numbers)}"
    async with AsyncMongoClient(uri) as client:
        await _fill(client, specification.get("initialData", []))
        scene = Scene(uri, client)
        try:
            for entity in specification.get("createEntities", []):
                scene.create(entity)
            for operation in test["operations"]:
                await scene.perform(operation)
            for expected in test.get("expectEvents", []):
                scene.check_events(expected)
        finally:
            await scene.close()
        for expected in test.get("outcome", []):
            collection = client[expected["databaseName"]][expected["collectionName"]]
            documents = await collection.find({}).sort("_id", 1).to_list()
            match(expected["documents"], documents, {}, path="outcome")


def _meet(requirements: list[Mapping[str, Any]], server_version: str) -> None:
    reasons = [reason for need in requirements for reason in [_unmet(need, server_version)]]
    if requirements and all(reasons):
        raise NotPlayable("; ".join(dict.fromkeys(reason for reason in reasons if reason)))


def _unmet(need: Mapping[str, Any], server_version: str) -> str | None:
    version = tuple(map(int, server_version.split(".")))
    if "minServerVersion" in need and version < tuple(map(int, need["minServerVersion"].split("."))):
        return f"needs a server from {need['minServerVersion']}"
    if "maxServerVersion" in need:
        limit = tuple(int(part) for part in need["maxServerVersion"].split(".") if part != "x")
        if version[: len(limit)] > limit:
            return f"needs a server up to {need['maxServerVersion']}"
    if "topologies" in need and TOPOLOGY not in need["topologies"]:
        return f"needs a topology of {need['topologies']}"
    for name in ("serverParameters", "csfle"):
        if need.get(name):
            return f"needs {name}"
    if need.get("auth"):
        return "needs authentication"
    return None


async def _fill(client: AsyncMongoClient, collections: list[Mapping[str, Any]]) -> None:
    for initial in collections:
        database = client[initial["databaseName"]]
        await database.create_collection(initial["collectionName"], **initial.get("createOptions", {}))
        if initial["documents"]:
            await database[initial["collectionName"]].insert_many([dict(document) for document in initial["documents"]])


class EventRecorder(CommandListener):
    """Keeps the command events of one client, as the test asks for them."""

    def __init__(self, wanted: list[str], ignored: list[str], *, with_sensitive: bool) -> None:
        self.events: list[Any] = []
        self._wanted = set(wanted)
        self._ignored = {"configureFailPoint", *ignored}
        self._with_sensitive = with_sensitive

    def _add(self, kind: str, event: Any) -> None:
        is_sensitive = not (event.command if isinstance(event, CommandStartedEvent) else event.reply)
        is_wanted = kind in self._wanted and event.command_name not in self._ignored
        if is_wanted and (self._with_sensitive or not is_sensitive):
            self.events.append(event)

    def started(self, event: CommandStartedEvent) -> None:
        self._add("commandStartedEvent", event)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._add("commandSucceededEvent", event)

    def failed(self, event: CommandFailedEvent) -> None:
        if "commandFailedEvent" in self._wanted and event.command_name not in self._ignored:
            self.events.append(event)


class Scene:
    """The entities of one test: clients, databases, collections, sessions, cursors, saved results."""

    def __init__(self, uri: str, observer: AsyncMongoClient) -> None:
        self._uri = uri
        self._observer = observer
        self.entities: dict[str, Any] = {}
        self.session_ids: dict[str, Any] = {}
        self.recorders: dict[str, EventRecorder] = {}
        self._clients: list[AsyncMongoClient] = []

    def create(self, entity: Mapping[str, Any]) -> None:
        """Create one entity of the file's list."""
        ((kind, given),) = entity.items()
        make = getattr(self, f"_create_{kind}", None)
        if make is None:
            raise NotPlayable(f"needs an entity of kind {kind}")
        make(given)

    def _create_client(self, given: Mapping[str, Any]) -> None:
        options = dict(given.get("uriOptions", {}))
        if given.get("autoEncryptOpts") or given.get("serverApi"):
            raise NotPlayable("needs automatic encryption or a declared API version")
        wanted = [kind for kind in given.get("observeEvents", []) if kind.startswith("command")]
        ignored = given.get("ignoreCommandMonitoringEvents", [])
        recorder = EventRecorder(wanted, ignored, with_sensitive=given.get("observeSensitiveCommands", False))
        client = AsyncMongoClient(self._uri, event_listeners=[recorder] if wanted else None, **options)
        self._clients.append(client)
        self.entities[given["id"]] = client
        self.recorders[given["id"]] = recorder

    def _create_database(self, given: Mapping[str, Any]) -> None:
        client = self.entities[given["client"]]
        options = _concerns(given.get("databaseOptions", {}))
        self.entities[given["id"]] = client.get_database(given["databaseName"], **options)

    def _create_collection(self, given: Mapping[str, Any]) -> None:
        database = self.entities[given["database"]]
        options = _concerns(given.get("collectionOptions", {}))
        self.entities[given["id"]] = database.get_collection(given["collectionName"], **options)

    def _create_session(self, given: Mapping[str, Any]) -> None:
        options = given.get("sessionOptions", {})
        arguments = session_options(options)
        if arguments is None:
            raise NotPlayable(f"needs sessions with {sorted(options)}")
        session = self.entities[given["client"]].start_session(**arguments)
        self.entities[given["id"]] = session
        self.session_ids[given["id"]] = session.session_id

    async def close(self) -> None:
        """Close what was created."""
        for client in self._clients:
            await client.close()

    async def perform(self, operation: Mapping[str, Any]) -> None:
        """Perform one operation, and compare its result or its error with what is expected."""
        name, arguments = operation["name"], dict(operation.get("arguments", {}))
        if operation["object"] == "testRunner":
            await self._perform_own(name, arguments)
            return
        target = self.entities[operation["object"]]
        expected_error = operation.get("expectError")
        try:
            result = _plain(await self._call(target, name, arguments))
        except (NotPlayable, Mismatch):
            raise
        except Exception as error:
            if operation.get("ignoreResultAndError"):
                return
            if expected_error is None:
                raise Mismatch(f"{name} raised {type(error).__name__}: {error}") from error
            self._check_error(expected_error, error)
            return
        if operation.get("ignoreResultAndError"):
            return
        if expected_error is not None:
            raise Mismatch(f"{name} gave {result!r}, expected the error {expected_error!r}")
        if "expectResult" in operation:
            match(operation["expectResult"], result, self.entities, path=name, session_ids=self.session_ids)
        if "saveResultAsEntity" in operation:
            self.entities[operation["saveResultAsEntity"]] = result

    async def _perform_own(self, name: str, arguments: dict[str, Any]) -> None:
        if name == "createEntities":
            for entity in arguments["entities"]:
                self.create(entity)
            return
        if name.startswith("assertSession") and name in _SESSION_CHECKS:
            fault = check_session(name, self.entities[arguments["session"]], arguments)
        elif name.endswith("LsidOnLastTwoCommands"):
            fault = check_last_ids(name, self.recorders[arguments["client"]].events)
        else:
            await self._check_structure(name, arguments)
            return
        if fault is not None:
            raise Mismatch(f"{name}: {fault}")

    async def _check_structure(self, name: str, arguments: dict[str, Any]) -> None:
        if not name.startswith(("assertCollection", "assertIndex")):
            raise NotPlayable(f"needs the runner's {name}")
        database = self._observer[arguments["databaseName"]]
        if name.startswith("assertCollection"):
            found = arguments["collectionName"] in await database.list_collection_names()
        else:
            found = arguments["indexName"] in await database[arguments["collectionName"]].index_information()
        if found is ("NotExists" in name):
            raise Mismatch(f"{name}: {arguments}")

    async def _call(self, target: Any, name: str, arguments: dict[str, Any]) -> Any:
        if "session" in arguments:
            arguments["session"] = self.entities[arguments["session"]]
        kind = next((kind for base, kind in _KINDS if isinstance(target, base)), "other")
        call = getattr(self, f"_{kind}_{_snake(name)}", None)
        if call is not None:
            return await call(target, arguments)
        method = getattr(type(target), _snake(name), None)
        if method is None or kind == "other":
            raise NotPlayable(f"needs the operation {name}")
        passed_on = {each: arguments.pop(each) for each in _KEPT & set(arguments)} if name in _PASSING_ON else {}
        return await method(target, **_arguments(arguments, sorts_by_pairs=name.startswith("find")), **passed_on)

    async def _collection_find(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await self._found(target, arguments).to_list()

    def _found(self, target: Any, arguments: dict[str, Any]) -> Any:
        if "maxTimeMS" in arguments:
            arguments["maxTimeMs"] = arguments.pop("maxTimeMS")
        return target.find(**_arguments(arguments))

    async def _collection_find_one(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.find_one(arguments.pop("filter"), **_arguments(arguments))

    async def _collection_create_find_cursor(self, target: Any, arguments: dict[str, Any]) -> Any:
        return self._found(target, arguments)

    async def _collection_aggregate(self, target: Any, arguments: dict[str, Any]) -> Any:
        options = {name: value for name, value in arguments.items() if name not in ("pipeline", "session", "let")}
        given = {name: arguments[name] for name in ("session", "let", "comment") if name in arguments}
        options.pop("comment", None)
        return await (await target.aggregate(arguments["pipeline"], **given, **options)).to_list()

    _database_aggregate = _collection_aggregate

    async def _collection_distinct(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.distinct(arguments.pop("fieldName"), **_arguments(arguments))

    async def _collection_count(self, target: Any, arguments: dict[str, Any]) -> Any:
        raise NotPlayable("PyMongo has no count: it has count_documents and estimated_document_count")

    async def _collection_create_index(self, target: Any, arguments: dict[str, Any]) -> Any:
        keys = list(arguments.pop("keys").items())
        return await target.create_index(keys, **arguments)

    async def _collection_list_indexes(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await (await target.list_indexes(**_arguments(arguments))).to_list()

    async def _database_list_collections(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await (await target.list_collections(**arguments)).to_list()

    async def _client_list_databases(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await (await target.list_databases(**arguments)).to_list()

    async def _client_client_bulk_write(self, target: Any, arguments: dict[str, Any]) -> Any:
        models = [_model(model) for model in arguments.pop("models")]
        return await target.bulk_write(models, **_arguments(arguments))

    async def _client_drop_database(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.drop_database(arguments.pop("database"), **_arguments(arguments))

    async def _client_close(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.close()

    async def _database_create_collection(self, target: Any, arguments: dict[str, Any]) -> Any:
        name = arguments.pop("collection")
        return await target.create_collection(name, check_exists=False, **arguments)

    async def _database_drop_collection(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.drop_collection(arguments.pop("collection"), **arguments)

    async def _database_modify_collection(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.command("collMod", arguments.pop("collection"), **arguments)

    async def _database_run_command(self, target: Any, arguments: dict[str, Any]) -> Any:
        arguments.pop("commandName", None)
        return await target.command(arguments.pop("command"), **_arguments(arguments))

    async def _database_run_cursor_command(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await (await self._database_create_command_cursor(target, arguments)).to_list()

    async def _database_create_command_cursor(self, target: Any, arguments: dict[str, Any]) -> Any:
        for name in ("commandName", "cursorType", "timeoutMode"):
            arguments.pop(name, None)
        batch_size, comment = arguments.pop("batchSize", 0), arguments.pop("comment", None)
        await_ms = arguments.pop("maxTimeMS", None)
        command = arguments.pop("command")
        cursor = await target.cursor_command(
            command, comment=comment, max_await_time_ms=await_ms, **_arguments(arguments)
        )
        return cursor.batch_size(batch_size)

    async def _cursor_iterate_until_document_or_error(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.next()

    async def _cursor_iterate_once(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.try_next() if hasattr(target, "try_next") else await target.next()

    async def _cursor_close(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.close()

    async def _session_start_transaction(self, target: Any, arguments: dict[str, Any]) -> Any:
        await target.start_transaction(**transaction_options(arguments))

    async def _session_with_transaction(self, target: Any, arguments: dict[str, Any]) -> Any:
        await perform_in_transaction(target, arguments, self._perform_for_callback)

    async def _perform_for_callback(self, operation: Mapping[str, Any]) -> None:
        """An operation of a callback, which lets the errors through that the test expects of it."""
        try:
            await self.perform({name: value for name, value in operation.items() if name != "expectError"})
        except Mismatch as mismatch:
            if isinstance(mismatch.__cause__, PyMongoError):
                raise mismatch.__cause__ from None
            raise

    async def _session_end_session(self, target: Any, arguments: dict[str, Any]) -> Any:
        return await target.end_session()

    def _check_error(self, expected: Mapping[str, Any], error: Exception) -> None:
        is_client = not isinstance(error, OperationFailure | WTimeoutError | ClientBulkWriteException)
        details = getattr(error, "details", None) or {}
        checks = [
            ("isClientError", lambda value: value == is_client),
            (
                "errorContains",
                lambda value: value.lower() in str(error).lower() or value.lower() in str(details).lower(),
            ),
            ("errorCode", lambda value: value == getattr(error, "code", None)),
            ("errorCodeName", lambda value: value == details.get("codeName")),
            ("errorLabelsContain", lambda value: all(error.has_error_label(label) for label in value)),
            ("errorLabelsOmit", lambda value: not any(error.has_error_label(label) for label in value)),
        ]
        for name, holds in checks:
            if name in expected and not holds(expected[name]):
                raise Mismatch(f"{name}={expected[name]!r} is not so of {type(error).__name__}: {error}") from error
        if "isError" in expected and not isinstance(
            error, PyMongoError | ValueError | TypeError | bson.errors.BSONError
        ):
            raise Mismatch(f"an error of another kind: {error!r}") from error
        if "errorResponse" in expected:
            response = details if not isinstance(error, BulkWriteError) else details["writeErrors"][0]
            match(expected["errorResponse"], response, self.entities, path="errorResponse")
        if "expectResult" in expected:
            if isinstance(error, ClientBulkWriteException):
                result: Any = _plain(error.partial_result) if error.partial_result else None
            else:
                result = _plain(BulkWriteResult(details, True))
            match(expected["expectResult"], result, self.entities, path="expectResult of the error")
        if "writeErrors" in expected:
            errors = {str(each["idx"]): each for each in error.write_errors}
            for at, want in expected["writeErrors"].items():
                match(want, errors.pop(at, None), self.entities, path=f"writeErrors.{at}")
            if errors:
                raise Mismatch(f"unexpected write errors {errors}")
        if "writeConcernErrors" in expected:
            match(expected["writeConcernErrors"], error.write_concern_errors, self.entities, path="writeConcernErrors")

    def check_events(self, expected: Mapping[str, Any]) -> None:
        """Compare the command events of one client with those expected."""
        if expected.get("eventType", "command") != "command":
            return
        events, wanted = self.recorders[expected["client"]].events, expected["events"]
        if len(events) < len(wanted) or (len(events) > len(wanted) and not expected.get("ignoreExtraEvents")):
            raise Mismatch(f"events: {[event.command_name for event in events]}, expected {wanted}")
        for number, (want, event) in enumerate(zip(wanted, events, strict=False)):
            ((kind, fields),) = want.items()
            if kind[0].upper() + kind[1:] != type(event).__name__:
                raise Mismatch(f"event {number}: {type(event).__name__}, expected {kind}")
            for name in set(fields) & {"commandName", "databaseName", "command", "reply"}:
                match(
                    fields[name],
                    getattr(event, _snake(name)),
                    self.entities,
                    path=f"event {number}.{name}",
                    session_ids=self.session_ids,
                )


# Options that these operations hand to the command under the command's own names.
_KEPT = {"maxTimeMS", "bypassDocumentValidation", "collation"}
_PASSING_ON = {
    "countDocuments",
    "distinct",
    "estimatedDocumentCount",
    "findOneAndDelete",
    "findOneAndReplace",
    "findOneAndUpdate",
}
_KINDS = [
    (CursorBase, "cursor"),
    (AsyncClientSession, "session"),
    (AsyncMongoClient, "client"),
    (AsyncDatabase, "database"),
    (AsyncCollection, "collection"),
]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: "_" + found[1].lower(), name)


def _concerns(options: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "readConcern" in options:
        made["read_concern"] = ReadConcern(**options["readConcern"])
    if "writeConcern" in options:
        made["write_concern"] = _write_concern(options["writeConcern"])
    if "readPreference" in options:
        made["read_preference"] = read_preference(options["readPreference"])
    return made


def _write_concern(given: Mapping[str, Any]) -> WriteConcern:
    names = {"journal": "j", "wtimeoutMS": "wtimeout"}
    return WriteConcern(**{names.get(name, name): value for name, value in given.items()})


def _arguments(given: Mapping[str, Any], *, sorts_by_pairs: bool = True) -> dict[str, Any]:
    """A test's arguments as PyMongo's keyword arguments."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        if (name == "sort" and sorts_by_pairs) or (name == "hint" and isinstance(value, Mapping)):
            value = list(value.items())
        elif name == "returnDocument":
            value = ReturnDocument.AFTER if value == "After" else ReturnDocument.BEFORE
        elif name == "requests":
            value = [_model(each) for each in value]
        elif name == "writeConcern":
            value = _write_concern(value)
        elif name == "readPreference":
            value = read_preference(value)
        elif name == "indexes":
            value = [IndexModel(list(each.pop("key").items()), **each) for each in map(dict, value)]
        made[_snake(name)] = value
    return made


def _model(given: Mapping[str, Any]) -> Any:
    ((kind, fields),) = given.items()
    return MODELS[kind](**_arguments(fields, sorts_by_pairs=False))


def _plain(result: Any) -> Any:
    """A result object as the document the specification speaks of."""
    if isinstance(result, BulkWriteResult):
        if not result.acknowledged:
            return {"acknowledged": False}
        return {**_counts(result), "upsertedIds": {str(at): _id for at, _id in (result.upserted_ids or {}).items()}}
    if isinstance(result, ClientBulkWriteResult):
        return _plain_client_bulk(result)
    is_single = isinstance(result, InsertOneResult | InsertManyResult | UpdateResult | DeleteResult)
    if is_single and not result.acknowledged:
        return {"acknowledged": False}
    if isinstance(result, InsertOneResult):
        return {"insertedId": result.inserted_id}
    if isinstance(result, InsertManyResult):
        return {"insertedIds": {str(at): _id for at, _id in enumerate(result.inserted_ids)}}
    if isinstance(result, DeleteResult):
        return {"deletedCount": result.deleted_count}
    if isinstance(result, UpdateResult):
        plain = {"matchedCount": result.matched_count, "modifiedCount": result.modified_count}
        plain["upsertedCount"] = 0 if result.upserted_id is None else 1
        if result.upserted_id is not None:
            plain["upsertedId"] = result.upserted_id
        return plain
    return result


def _counts(result: Any) -> dict[str, Any]:
    names = ("deleted", "inserted", "matched", "modified", "upserted")
    return {f"{name}Count": getattr(result, f"{name}_count") for name in names}


def _plain_client_bulk(result: ClientBulkWriteResult) -> dict[str, Any]:
    if not result.acknowledged:
        return {"acknowledged": False}
    plain = _counts(result)
    if result.has_verbose_results:
        for kind in ("insert", "update", "delete"):
            each = getattr(result, f"{kind}_results")
            plain[f"{kind}Results"] = {str(at): _plain(one) for at, one in each.items()}
            if kind == "update":
                for one in plain["updateResults"].values():
                    one.pop("upsertedCount")
    return plain


def match(
    expected: Any,
    actual: Any,
    entities: Mapping[str, Any],
    *,
    path: str,
    is_root: bool = True,
    session_ids: Mapping[str, Any] | None = None,
) -> None:
    """Compare a value with what a test expects, by the specification's rules.

    is_root   documents here may have more fields than expected
    errors    Mismatch
    """

    def inner(want: Any, have: Any, step: str, root: bool = False) -> None:
        match(want, have, entities, path=f"{path}.{step}", is_root=root, session_ids=session_ids)

    if isinstance(expected, Mapping):
        if len(expected) == 1 and next(iter(expected)).startswith("$$"):
            _match_special(expected, actual, entities, path, is_root, session_ids or {})
            return
        if not isinstance(actual, Mapping):
            raise Mismatch(f"{path}: {actual!r}, expected {expected!r}")
        for name, want in expected.items():
            if isinstance(want, Mapping) and len(want) == 1 and next(iter(want)) in ("$$exists", "$$unsetOrMatches"):
                ((operator, value),) = want.items()
                if operator == "$$exists" and (name in actual) is not value:
                    raise Mismatch(f"{path}.{name}: exists={name in actual}, expected {value}")
                if operator == "$$unsetOrMatches" and name in actual:
                    inner(value, actual[name], name)
                continue
            if name not in actual:
                raise Mismatch(f"{path}.{name} is missing in {actual!r}")
            inner(want, actual[name], name)
        extra = set(actual) - set(expected)
        if extra and not is_root:
            raise Mismatch(f"{path}: unexpected fields {sorted(extra)}")
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(expected) != len(actual):
            raise Mismatch(f"{path}: {actual!r}, expected {expected!r}")
        for at, (want, have) in enumerate(zip(expected, actual, strict=True)):
            inner(want, have, str(at), is_root)
    elif expected != actual or isinstance(expected, bool) is not isinstance(actual, bool):
        raise Mismatch(f"{path}: {actual!r}, expected {expected!r}")


def _match_special(
    expected: Mapping[str, Any],
    actual: Any,
    entities: Mapping[str, Any],
    path: str,
    is_root: bool,
    session_ids: Mapping[str, Any],
) -> None:
    ((operator, value),) = expected.items()
    holds = True
    if operator == "$$unsetOrMatches":
        if actual is not None:
            match(value, actual, entities, path=path, is_root=is_root, session_ids=session_ids)
    elif operator == "$$type":
        kinds = [value] if isinstance(value, str) else value
        holds = any(isinstance(actual, TYPES[kind]) for kind in kinds)
    elif operator == "$$exists":
        holds = value
    elif operator == "$$lte":
        holds = actual <= value
    elif operator == "$$sessionLsid":
        holds = actual == session_ids[value]
    elif operator == "$$matchesEntity":
        match(entities[value], actual, entities, path=path, is_root=is_root)
    elif operator == "$$matchesHexBytes":
        holds = actual == binascii.unhexlify(value)
    elif operator in ("$$matchAsDocument", "$$matchAsRoot"):
        document = json_util.loads(actual) if isinstance(actual, str) else actual
        match(value, document, entities, path=path, is_root=operator == "$$matchAsRoot")
    else:
        raise NotPlayable(f"needs {operator}")
    if not holds:
        raise Mismatch(f"{path}: {actual!r}, expected {expected!r}")
