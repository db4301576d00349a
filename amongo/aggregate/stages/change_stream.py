"""$changeStream: what it is asked for is checked; change streams themselves come with a later issue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.options import STRICT_BOOL, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import diagnosis as errors
from amongo.errors import pipeline as pipeline_errors
from amongo.values.types import alias
from amongo.values.wording import shown

REASON: Final = "the streams issue brings change streams"
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
_INTERNAL: Final = ("admin", "config", "local")
_TIMESTAMP: Final = 0x82  # the type byte that a token's bytes begin with


@dataclass(frozen=True, slots=True)
class ChangeStream(Stage):
    """A change stream that was asked for rightly."""

    def bind(self) -> Run:
        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            raise pipeline_errors.STAGE_NOT_YET(name="$changeStream", reason=REASON)

        return run


@stage("$changeStream")
def parse_change_stream(spec: Any, surroundings: Surroundings) -> ChangeStream:
    """The changes of a collection, a database or the deployment, as the first stage.

    spec     {fullDocument, fullDocumentBeforeChange, resumeAfter, startAfter, startAtOperationTime,
             allChangesForCluster, showExpandedEvents}, all optional
    result   none yet
    errors   CHANGE_STREAM_NOT_OBJECT, UNKNOWN_FIELD, WRONG_TYPE, NOT_ENUMERATED, TOKEN_DATA, TOKEN_TYPE_BITS,
             TWO_TOKENS, TOKEN_AND_TIME, TOKEN_EMPTY, TOKEN_NOT_HEX, TOKEN_CORRUPT, CHANGE_STREAM_CLUSTER,
             CHANGE_STREAM_DATABASE, CHANGE_STREAM_SYSTEM; when run STAGE_NOT_YET
    source   manual, $changeStream; Change Streams
    """
    if type(spec) is not dict:
        raise errors.CHANGE_STREAM_NOT_OBJECT(kind=alias(spec))
    options = _parse(spec)
    _check_namespace(options, surroundings)
    tokens = [options[name] for name in ("resumeAfter", "startAfter") if name in options]
    if len(tokens) == 2:
        raise errors.TWO_TOKENS()
    if tokens and "startAtOperationTime" in options:
        raise errors.TOKEN_AND_TIME()
    for token in tokens:
        _check_data(token["_data"])
    return ChangeStream()


def _parse(spec: dict[str, Any]) -> dict[str, Any]:
    """The options, each checked in its turn."""
    options: dict[str, Any] = {}
    for name, value in spec.items():
        options |= parse_options("$changeStream", {name: value}, _OPTIONS)
        if name not in options:
            continue
        if name in _WORDS and value not in _WORDS[name]:
            raise command_errors.NOT_ENUMERATED(value=value, field=f"$changeStream.{name}")
        if name in ("resumeAfter", "startAfter"):
            _check_token(value)
    return options


def _check_namespace(options: dict[str, Any], surroundings: Surroundings) -> None:
    database, _, collection = surroundings.namespace.partition(".")
    is_of_cluster = options.get("allChangesForCluster", False)
    if is_of_cluster and (database != "admin" or surroundings.has_collection):
        raise errors.CHANGE_STREAM_CLUSTER()
    if database in _INTERNAL and not is_of_cluster:
        raise errors.CHANGE_STREAM_DATABASE(database=database)
    if surroundings.has_collection and collection.startswith("system."):
        raise errors.CHANGE_STREAM_SYSTEM(namespace=surroundings.namespace)


def _check_token(token: dict[str, Any]) -> None:
    """Refuse what does not look like a resume token.

    errors   TOKEN_DATA, TOKEN_TYPE_BITS
    """
    if type(token.get("_data")) is not str:
        raise errors.TOKEN_DATA(token=shown(token))
    if "_typeBits" in token and alias(token["_typeBits"]) != "binData":
        raise errors.TOKEN_TYPE_BITS(token=shown(token))


def _check_data(data: str) -> None:
    """Refuse what is no token's text: hexadecimal digits of bytes that begin with a timestamp.

    errors   TOKEN_EMPTY, TOKEN_NOT_HEX, TOKEN_CORRUPT
    """
    if not data:
        raise errors.TOKEN_EMPTY()
    try:
        raw = bytes.fromhex(data) if data.isalnum() else None
    except ValueError:
        raw = None
    if raw is None:
        raise errors.TOKEN_NOT_HEX()
    if raw[0] != _TIMESTAMP:
        raise errors.TOKEN_CORRUPT()
