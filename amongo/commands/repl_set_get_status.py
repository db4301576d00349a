"""replSetGetStatus: how the replica set is doing: it has one member, which is its primary.

Source: manual, replSetGetStatus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.hello import SET_NAME
from amongo.commands.repl_set_get_config import INTERVAL_MS, address_for
from amongo.values.numbers import number

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"initialSync": Field("integer")}

_TERM: Final = Int64(1)
_PRIMARY: Final = 1  # the state of a member


@dataclass(frozen=True, slots=True)
class ReplSetGetStatusRequest:
    """Nothing of it has an effect."""


def parse(database: str, document: dict[str, Any]) -> ReplSetGetStatusRequest:
    """The request of a replSetGetStatus document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    parse_fields("replSetGetStatus", document, FIELDS)
    return ReplSetGetStatusRequest()


def run(instance: Instance, request: ReplSetGetStatusRequest, context: Context) -> dict[str, Any]:
    """{set, myState, optimes, members, …}: whatever is committed is committed by all members."""
    sequence, started_ms, now_ms = instance.store.last_sequence, instance.started_ms, instance.clock.now_ms()
    operation = {"ts": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF), "t": _TERM}
    wall = DatetimeMS((sequence >> 32) * 1000)
    elected = Timestamp(started_ms // 1000, 1)
    member = {
        "_id": 0,
        "name": address_for(context),
        "health": 1.0,
        "state": _PRIMARY,
        "stateStr": "PRIMARY",
        "uptime": number(max(now_ms - started_ms, 0) // 1000),
        "optime": operation,
        "optimeDate": wall,
        "optimeWritten": operation,
        "optimeWrittenDate": wall,
        "lastAppliedWallTime": wall,
        "lastDurableWallTime": wall,
        "lastWrittenWallTime": wall,
        "syncSourceHost": "",
        "syncSourceId": -1,
        "infoMessage": "",
        "electionTime": elected,
        "electionDate": DatetimeMS(started_ms),
        "configVersion": 1,
        "configTerm": 1,
        "self": True,
        "lastHeartbeatMessage": "",
    }
    return {
        "set": SET_NAME,
        "date": DatetimeMS(now_ms),
        "myState": _PRIMARY,
        "term": _TERM,
        "syncSourceHost": "",
        "syncSourceId": -1,
        "heartbeatIntervalMillis": INTERVAL_MS,
        "majorityVoteCount": 1,
        "writeMajorityCount": 1,
        "votingMembersCount": 1,
        "writableVotingMembersCount": 1,
        "optimes": {
            "lastCommittedOpTime": operation,
            "lastCommittedWallTime": wall,
            "readConcernMajorityOpTime": operation,
            "appliedOpTime": operation,
            "durableOpTime": operation,
            "writtenOpTime": operation,
            "lastAppliedWallTime": wall,
            "lastDurableWallTime": wall,
            "lastWrittenWallTime": wall,
        },
        "lastStableRecoveryTimestamp": operation["ts"],
        "members": [member],
        "ok": 1.0,
    }


COMMAND = Command("replSetGetStatus", parse, run, is_admin_only=True, is_quick=True)
