"""What a change stream asks for: its scope, and the options of `$changeStream`. Source: manual, $changeStream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from bson import Timestamp

from amongo.aggregate.stages.options import STRICT_BOOL, parse_options
from amongo.errors import command as command_errors
from amongo.errors import diagnosis as stage_errors
from amongo.errors import streams as errors
from amongo.streams.tokens import ResumeToken, check_token, high_water_mark, parse_token, sequence_of
from amongo.values.types import alias

ScopeKind = Literal["collection", "database", "cluster"]

_INTERNAL: Final = ("admin", "config", "local")
_OPTIONS: Final = {
    "resumeAfter": "object",
    "startAfter": "object",
    "startAtOperationTime": "timestamp",
    "fullDocument": "string",
    "fullDocumentBeforeChange": "string",
    "version": "string",
    "supportedEvents": "array",
    **dict.fromkeys(
        (
            "allChangesForCluster",
            "showMigrationEvents",
            "showSystemEvents",
            "showRawUpdateDescription",
            "showExpandedEvents",
            "showCommitTimestamp",
            "allowToRunOnConfigDB",
            "allowToRunOnSystemNS",
            "matchCollectionUUIDForUpdateLookup",
        ),
        STRICT_BOOL,
    ),
}
_WORDS: Final = {
    "fullDocument": ("default", "updateLookup", "whenAvailable", "required"),
    "fullDocumentBeforeChange": ("off", "whenAvailable", "required"),
    "version": ("v1", "v2"),
}
_NEVER_SHOWN: Final = ("$", ".")  # what names begin with that are no client's
_SYSTEM: Final = "system."
_SHOWN_SYSTEM: Final = ("system.resharding.", "system.buckets.")  # and what begins so, with showSystemEvents
_SHOWN_SYSTEM_NAMES: Final = frozenset({"system.js", "system.views"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stream watches: one collection, one database, or all of them.

    database     "" for the whole deployment
    collection   its name, "" for all
    """

    database: str = ""
    collection: str = ""

    @property
    def kind(self) -> ScopeKind:
        """Which of the three."""
        return "collection" if self.collection else "database" if self.database else "cluster"

    def has_database(self, database: str) -> bool:
        """Whether the commands of a database may concern it."""
        return database == self.database if self.database else database not in _INTERNAL

    def covers(self, database: str, collection: str, shows_system: bool) -> bool:
        """Whether the stream sees the changes of a collection.

        shows_system   those of some of the server's own collections too; the others are never seen
        """
        if self.collection:
            return collection == self.collection and database == self.database
        return self.has_database(database) and _is_shown(collection, shows_system)


def _is_shown(collection: str, shows_system: bool) -> bool:
    """Whether streams of a database or more see a collection. Measurements of time series (`.measurements.`) are kept
    differently from the server's buckets, and not shown."""
    if collection[:1] in _NEVER_SHOWN:
        return False
    if not collection.startswith(_SYSTEM):
        return True
    return shows_system and (collection in _SHOWN_SYSTEM_NAMES or collection.startswith(_SHOWN_SYSTEM))


def parse_scope(database: str, collection: str, options: ChangeStreamOptions) -> Scope:
    """The scope of a stream that is opened on a namespace.

    collection   "" for the whole database
    errors       CHANGE_STREAM_CLUSTER, CHANGE_STREAM_DATABASE, CHANGE_STREAM_SYSTEM
    """
    if options.is_of_cluster:
        if database != "admin" or collection:
            raise stage_errors.CHANGE_STREAM_CLUSTER()
        return Scope()
    if database in _INTERNAL and not (database == "config" and options.may_be_config):
        raise stage_errors.CHANGE_STREAM_DATABASE(database=database)
    if collection.startswith(_SYSTEM) and not options.may_be_system:
        raise stage_errors.CHANGE_STREAM_SYSTEM(namespace=f"{database}.{collection}")
    return Scope(database, collection)


@dataclass(frozen=True, slots=True)
class ChangeStreamOptions:
    """The options of a change stream.

    full_document   "default", "updateLookup", "whenAvailable" or "required"
    before_change   "off", "whenAvailable" or "required": the document before the change
    start           behind this event, or at this mark; None for the time of opening
    is_expanded     events of the catalog, collectionUUID, operationDescription and disambiguatedPaths are shown
    shows_system    events of some of the server's own collections are shown
    shows_raw       updates are described as the oplog does it
    matches_uuid    updateLookup looks in the very collection that was changed, not in one of its name
    is_of_cluster   all changes of the deployment
    may_be_config   opened on the database `config`
    may_be_system   opened on a collection whose name begins with `system.`
    """

    full_document: str = "default"
    before_change: str = "off"
    start: ResumeToken | None = None
    is_expanded: bool = False
    shows_system: bool = False
    shows_raw: bool = False
    matches_uuid: bool = False
    is_of_cluster: bool = False
    may_be_config: bool = False
    may_be_system: bool = False


def parse_change_stream(spec: Any) -> ChangeStreamOptions:
    """The options of a `$changeStream` stage.

    errors   CHANGE_STREAM_NOT_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, NOT_ENUMERATED, those of `parse_token`, TWO_TOKENS,
             TOKEN_AND_TIME, RESUMED_AFTER_INVALIDATE
    """
    if type(spec) is not dict:
        raise stage_errors.CHANGE_STREAM_NOT_OBJECT(kind=alias(spec))
    options = _parse_each(spec)
    return ChangeStreamOptions(
        options.get("fullDocument", "default"),
        options.get("fullDocumentBeforeChange", "off"),
        _start(options),
        options.get("showExpandedEvents", False),
        options.get("showSystemEvents", False),
        options.get("showRawUpdateDescription", False),
        options.get("matchCollectionUUIDForUpdateLookup", False),
        options.get("allChangesForCluster", False),
        options.get("allowToRunOnConfigDB", False),
        options.get("allowToRunOnSystemNS", False),
    )


def _parse_each(spec: dict[str, Any]) -> dict[str, Any]:
    """The options, each checked in its turn."""
    options: dict[str, Any] = {}
    for name, value in spec.items():
        options |= parse_options("$changeStream", {name: value}, _OPTIONS)
        if name not in options:
            continue
        if name in _WORDS and value not in _WORDS[name]:
            raise command_errors.NOT_ENUMERATED(value=value, field=f"$changeStream.{name}")
        if name in ("resumeAfter", "startAfter"):
            check_token(value)
    return options


def _start(options: dict[str, Any]) -> ResumeToken | None:
    given = [name for name in ("resumeAfter", "startAfter") if name in options]
    time: Timestamp | None = options.get("startAtOperationTime")
    if len(given) == 2:
        raise errors.TWO_TOKENS()
    if given and time is not None:
        raise errors.TOKEN_AND_TIME()
    if given:
        token = parse_token(options[given[0]])
        if token.is_invalidate and given[0] == "resumeAfter":
            raise errors.RESUMED_AFTER_INVALIDATE()
        return token
    return None if time is None else high_water_mark(sequence_of(time))
