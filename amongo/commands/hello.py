"""hello: what a driver learns about the server it has reached, and its older form isMaster.

amongo answers as the primary of a replica set of one node, because that is what it can do: change streams,
transactions and retryable writes need a replica set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.commands.access.login import speculate, supported_mechanisms
from amongo.commands.access.names import UserName
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
TOPOLOGY_VERSION: Final[Mapping[str, Any]] = {"processId": ObjectId(), "counter": Int64(6)}
_ELECTION_ID: Final = ObjectId("7fffffff0000000000000001")
_TERM: Final = Int64(1)


@dataclass(frozen=True, slots=True)
class HelloRequest:
    """What the answer shall have.

    is_legacy     asked as isMaster: `ismaster` takes the place of `isWritablePrimary`
    is_hello_ok   the driver asks whether `hello` is understood
    user          by which mechanisms this user can say who it is; None if that is not asked
    speculation   the first step of saying who one is, which a client has sent along; None for none
    """

    is_legacy: bool
    is_hello_ok: bool
    user: UserName | None
    speculation: dict[str, Any] | None


def parse(database: str, document: dict[str, Any]) -> HelloRequest:
    """The request of a `hello` or `isMaster` document. Fields that are not known are let pass, as on the server.

    errors   BAD_VALUE and WRONG_TYPE for `saslSupportedMechs`
    source   manual, hello
    """
    user = _asked_user(document["saslSupportedMechs"]) if "saslSupportedMechs" in document else None
    speculation = document.get("speculativeAuthenticate")
    return HelloRequest(
        next(iter(document)) != "hello",
        document.get("helloOk") is True,
        user,
        speculation if type(speculation) is dict else None,
    )


def run(instance: Instance, request: HelloRequest, context: Context) -> dict[str, Any]:
    """The description of this node."""
    now = DatetimeMS(instance.clock.now_ms())
    sequence = instance.store.last_sequence
    time = {"ts": Timestamp(sequence >> 32, sequence & 0xFFFFFFFF), "t": _TERM}
    reply: dict[str, Any] = {}
    if request.is_hello_ok:
        reply["helloOk"] = True
    reply |= {
        "topologyVersion": dict(TOPOLOGY_VERSION),
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
    }
    if request.user is not None:
        mechanisms = supported_mechanisms(instance.access, request.user)
        reply |= {"saslSupportedMechs": mechanisms} if mechanisms else {}
    if request.speculation is not None and context.peer is not None:
        begun = speculate(instance.access, context.peer, request.speculation)
        reply |= {"speculativeAuthenticate": begun} if begun is not None else {}
    return reply | {"ok": 1.0}


def _asked_user(value: Any) -> UserName:
    """The user that `saslSupportedMechs` asks about.

    errors   BAD_VALUE, WRONG_TYPE
    """
    if type(value) is str:
        database, dot, user = value.partition(".")
        if not dot:
            raise errors.BAD_VALUE(message="UserName must contain a '.' separated database.user pair")
        return UserName(user, database)
    elif type(value) is dict:
        if set(value) != {"user", "db"} or any(type(part) is not str for part in value.values()):
            raise errors.BAD_VALUE(message="UserName must contain exactly the string fields 'user' and 'db'")
        return UserName(value["user"], value["db"])
    else:
        raise errors.WRONG_TYPE(
            command="hello", field="saslSupportedMechs", actual=alias(value), expected="types '[string, object]'"
        )


COMMAND = Command(
    "hello",
    parse,
    run,
    aliases=("isMaster", "ismaster"),
    is_quick=True,
    secrets=("speculativeAuthenticate",),
)
