"""replSetGetConfig: how the replica set is set up: with one member. Source: manual, replSetGetConfig."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, ObjectId

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hello import HOST, SET_NAME

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"commitmentStatus": Field("flag", default=False)}

_SET_ID: Final = ObjectId(SET_NAME.encode().ljust(12, b"\0"))
INTERVAL_MS: Final = Int64(2000)  # manual, Replica Set Configuration: the defaults of the settings
_SETTINGS: Final[dict[str, Any]] = {
    "chainingAllowed": True,
    "heartbeatIntervalMillis": int(INTERVAL_MS),
    "heartbeatTimeoutSecs": 10,
    "electionTimeoutMillis": 10_000,
    "catchUpTimeoutMillis": -1,
    "catchUpTakeoverDelayMillis": 30_000,
    "getLastErrorModes": {},
    "getLastErrorDefaults": {"w": 1, "wtimeout": 0},
}


@dataclass(frozen=True, slots=True)
class ReplSetGetConfigRequest:
    """Whether it is told that the configuration is committed."""

    tells_commitment: bool


def parse(database: str, document: dict[str, Any]) -> ReplSetGetConfigRequest:
    """The request of a replSetGetConfig document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    return ReplSetGetConfigRequest(parse_fields("replSetGetConfig", document, FIELDS)["commitmentStatus"])


def run(instance: Instance, request: ReplSetGetConfigRequest, context: Context) -> dict[str, Any]:
    """{config}, with {commitmentStatus} if it is asked for."""
    member = {
        "_id": 0,
        "host": address_for(context),
        "arbiterOnly": False,
        "buildIndexes": True,
        "hidden": False,
        "priority": 1.0,
        "tags": {},
        "secondaryDelaySecs": Int64(0),
        "votes": 1,
    }
    config = {
        "_id": SET_NAME,
        "version": 1,
        "term": 1,
        "members": [member],
        "protocolVersion": Int64(1),
        "writeConcernMajorityJournalDefault": True,
        "settings": {**_SETTINGS, "replicaSetId": _SET_ID},
    }
    told = {"commitmentStatus": True} if request.tells_commitment else {}
    return {"config": config, **told, "ok": 1.0}


def address_for(context: Context) -> str:
    """The member's name: the address by which a client has reached it."""
    return HOST if context.peer is None else context.peer.server_address


COMMAND = Command("replSetGetConfig", parse, run, is_admin_only=True, is_quick=True)
