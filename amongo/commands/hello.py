"""hello: what a driver learns about the server it has reached, and its older form isMaster.

amongo answers as the primary of a replica set of one node, because that is what it can do: change streams,
transactions and retryable writes need a replica set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.errors import command as errors
from amongo.runtime import limits
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

SET_NAME: Final = "amongo"
HOST: Final = "localhost:27017"
MIN_WIRE_VERSION: Final = 0

# Stand for this process as long as it lives; a driver notices a restart by them.
_PROCESS_ID: Final = ObjectId()
_ELECTION_ID: Final = ObjectId("7fffffff0000000000000001")
_TERM: Final = Int64(1)


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """What the answer shall have.

    is_legacy     asked as isMaster: `ismaster` takes the place of `isWritablePrimary`
    is_hello_ok   the driver asks whether `hello` is understood
    """

    is_legacy: bool
    is_hello_ok: bool


def parse(database: str, document: dict[str, Any]) -> HelloRequest:
    """The request of a `hello` or `isMaster` document. Fields that are not known are let pass, as on the server.

    errors   BAD_VALUE and WRONG_TYPE for `saslSupportedMechs`
    source   manual, hello
    """
    if "saslSupportedMechs" in document:
        _check_user(document["saslSupportedMechs"])
    return HelloRequest(next(iter(document)) != "hello", document.get("helloOk") is True)


def run(instance: Instance, request: HelloRequest, context: Context) -> dict[str, Any]:
    """The description of this node."""
    now = DatetimeMS(instance.clock.now_ms())
    sequence = instance.store.last_sequence
    time = {"ts": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF), "t": _TERM}
    reply: dict[str, Any] = {}
    if request.is_hello_ok:
        reply["helloOk"] = True
    reply |= {
        "topologyVersion": {"processId": _PROCESS_ID, "counter": Int64(6)},
        "hosts": [HOST],
        "setName": SET_NAME,
        "setVersion": 1,
        "ismaster" if request.is_legacy else "isWritablePrimary": True,
        "secondary": False,
        "primary": HOST,
        "me": HOST,
        "electionId": _ELECTION_ID,
        "lastWrite": {
            "opTime": time,
            "lastWriteDate": DatetimeMS((sequence >> 32) * 1000),
            "majorityOpTime": time,
            "majorityWriteDate": DatetimeMS((sequence >> 32) * 1000),
        },
        "maxBsonObjectSize": limits.DOCUMENT_BYTES,
        "maxMessageSizeBytes": limits.MESSAGE_BYTES,
        "maxWriteBatchSize": limits.WRITE_BATCH_COUNT,
        "localTime": now,
        "logicalSessionTimeoutMinutes": limits.SESSION_IDLE_MINUTES,
        "connectionId": 1,
        "minWireVersion": MIN_WIRE_VERSION,
        "maxWireVersion": limits.WIRE_VERSION,
        "readOnly": False,
        "ok": 1.0,
    }
    return reply


def _check_user(value: Any) -> None:
    """Refuse a value of `saslSupportedMechs` that is no user's name; there are no users, so nothing is answered."""
    if type(value) is str:
        if "." not in value:
            raise errors.BAD_VALUE(message="UserName must contain a '.' separated database.user pair")
    elif type(value) is dict:
        if set(value) != {"user", "db"} or any(type(part) is not str for part in value.values()):
            raise errors.BAD_VALUE(message="UserName must contain exactly the string fields 'user' and 'db'")
    else:
        raise errors.WRONG_TYPE(
            command="hello", field="saslSupportedMechs", actual=alias(value), expected="types '[string, object]'"
        )


COMMAND = Command("hello", parse, run, aliases=("isMaster", "ismaster"), is_quick=True)
