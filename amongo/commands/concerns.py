"""Read concern, write concern and time limit: the three options that any command may carry.

`parse_concerns` reads them from a command document and refuses what the server refuses. amongo is a one-node replica
set, so that every write concern up to `majority` is satisfied by the node itself; what more nodes would have to
acknowledge is done all the same, and the reply says that the concern was not satisfied. Source: manual, Read Concern;
Write Concern; cursor.maxTimeMS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from bson import Decimal128, Timestamp

from amongo.commands.fields import Field, parse_fields, to_integer
from amongo.errors import command as errors
from amongo.errors.codes import ErrorCode, code_name
from amongo.values.types import NUMERIC_CLASSES, alias

_INT32_MAX: Final = 2**31 - 1
_INT64_END: Final = 2**63
_NODES_MAX: Final = 50  # manual, Replica Set: at most 50 members
_NULL_TIMESTAMP: Final = Timestamp(0, 0)

_LEVELS: Final = frozenset({"local", "available", "majority", "linearizable", "snapshot"})
_PROVENANCES: Final = frozenset({"clientSupplied", "implicitDefault", "customDefault", "getLastErrorDefaults"})

# Commands that take a read concern other than local (source: manual, Read Concern, "Read Concern Support").
READ_CONCERN_COMMANDS: Final = frozenset({"find", "aggregate", "distinct", "count"})

# Those of them that read at one moment (source: manual, Read Concern "snapshot").
SNAPSHOT_COMMANDS: Final = frozenset({"find", "aggregate", "distinct"})

# Commands that take a write concern (source: manual, Write Concern, and the commands' pages).
WRITE_CONCERN_COMMANDS: Final = frozenset(
    {
        "insert",
        "update",
        "delete",
        "findAndModify",
        "bulkWrite",
        "aggregate",
        "create",
        "createIndexes",
        "drop",
        "dropDatabase",
        "dropIndexes",
        "renameCollection",
        "collMod",
        "cloneCollectionAsCapped",
        "convertToCapped",
        "setDefaultRWConcern",
        "createUser",
        "updateUser",
        "dropUser",
        "dropAllUsersFromDatabase",
        "grantRolesToUser",
        "revokeRolesFromUser",
        "createRole",
        "updateRole",
        "dropRole",
        "dropAllRolesFromDatabase",
        "grantPrivilegesToRole",
        "grantRolesToRole",
        "revokePrivilegesFromRole",
        "revokeRolesFromRole",
        "commitTransaction",
        "abortTransaction",
    }
)

# Writes that a client may send again (source: manual, Retryable Writes).
RETRYABLE_COMMANDS: Final = frozenset({"insert", "update", "delete", "findAndModify", "bulkWrite"})

TRANSACTION_ENDS: Final = frozenset({"commitTransaction", "abortTransaction"})

# Commands that may run in a transaction (source: manual, Transactions and Operations).
TRANSACTION_COMMANDS: Final = frozenset(
    {
        "abortTransaction",
        "aggregate",
        "bulkWrite",
        "commitTransaction",
        "create",
        "createIndexes",
        "delete",
        "distinct",
        "find",
        "findAndModify",
        "getMore",
        "insert",
        "update",
    }
)

# Those of them that a transaction with another read concern than local cannot begin with (source: the same).
_LOCAL_IN_TRANSACTIONS: Final = frozenset({"create", "createIndexes"})

_READ_FIELDS: Final = {
    "level": Field("string"),
    "afterClusterTime": Field(),
    "atClusterTime": Field(),
    "afterOpTime": Field("object"),
    "provenance": Field("string"),
}
_WRITE_FIELDS: Final = {
    "w": Field(),
    "j": Field("flag"),
    "fsync": Field("flag"),
    "wtimeout": Field(),
    "wElectionId": Field(),
    "wOpTime": Field(),
    "provenance": Field("string"),
}


@dataclass(frozen=True, slots=True)
class ReadConcern:
    """What a read may see.

    level                "local" unless the command says otherwise
    after_cluster_time   the read sees at least this moment
    at_cluster_time      and this one a snapshot read: nothing else
    """

    level: str = "local"
    after_cluster_time: Timestamp | None = None
    at_cluster_time: Timestamp | None = None

    @property
    def is_snapshot(self) -> bool:
        """Whether the read sees the store as it is at one moment."""
        return self.level == "snapshot"


@dataclass(frozen=True, slots=True)
class WriteConcern:
    """What has to have happened before a write is acknowledged.

    w           a number of nodes, "majority", or the name of a mode or tags that no node of ours carries
    is_durable  `j`: on disk
    """

    w: int | str | dict[str, Any] = "majority"
    is_durable: bool = False

    @property
    def is_acknowledged(self) -> bool:
        """Whether the reply tells what a write has done; not for `w: 0` without `j`."""
        return self.w != 0 or self.is_durable

    def failure(self) -> dict[str, Any] | None:
        """The `writeConcernError` of the reply when one node cannot satisfy this; None when it can."""
        if type(self.w) is int:
            if self.w <= 1:
                return None
            code, message = ErrorCode.UnsatisfiableWriteConcern, "Not enough data-bearing nodes"
        elif self.w == "majority":
            return None
        elif type(self.w) is str:
            code = ErrorCode.UnknownReplWriteConcern
            message = f"No write concern mode named '{self.w}' found in replica set configuration"
        else:
            code, message = ErrorCode.UnsatisfiableWriteConcern, "Not enough nodes match write concern"
        return {"code": int(code), "codeName": code_name(code), "errmsg": message}


@dataclass(frozen=True, slots=True)
class Concerns:
    """The options that any command may carry.

    time_limit_ms   `maxTimeMS`; None for no limit
    """

    read: ReadConcern = ReadConcern()
    write: WriteConcern = WriteConcern()
    time_limit_ms: int | None = None


NO_CONCERNS: Final = Concerns()
_OPTIONS: Final = ("readConcern", "writeConcern", "maxTimeMS")


def parse_concerns(command: str, document: Mapping[str, Any]) -> Concerns:
    """The concerns and the time limit of a command document.

    command   the command's own name, not an alias
    errors    WRONG_TYPE, UNKNOWN_FIELD, BAD_VALUE, FAILED_TO_PARSE, INVALID_OPTIONS
    """
    if not any(document.get(name) is not None for name in _OPTIONS):
        return NO_CONCERNS
    return Concerns(
        _read_concern(command, document.get("readConcern"), is_transaction=document.get("autocommit") is False),
        parse_write_concern(command, document.get("writeConcern")),
        time_limit(document.get("maxTimeMS"), command),
    )


def time_limit(value: Any, command: str = "") -> int | None:
    """`maxTimeMS` in milliseconds; None where it is absent or 0.

    errors   WRONG_TYPE; FAILED_TO_PARSE for a number that is no int64; BAD_VALUE outside 0 to 2147483647
    """
    if value is None:
        return None
    if type(value) not in NUMERIC_CLASSES:
        raise errors.WRONG_TYPE(
            command=command, field="maxTimeMS", actual=alias(value), expected="types '[long, int, decimal, double]'"
        )
    number = value.to_decimal() if type(value) is Decimal128 else value
    is_whole = number.is_finite() if isinstance(number, Decimal) else math.isfinite(number)
    if not is_whole or number != int(number) or not -_INT64_END <= number < _INT64_END:
        raise errors.FAILED_TO_PARSE(message=f"maxTimeMS has non-integral value {value}")
    limit_ms = int(number)
    if not 0 <= limit_ms <= _INT32_MAX:
        raise errors.BAD_VALUE(message=f"{limit_ms} value for maxTimeMS is out of range [0, {_INT32_MAX}]")
    return limit_ms or None


def _read_concern(command: str, value: Any, *, is_transaction: bool) -> ReadConcern:
    if value is None:
        return NO_CONCERNS.read
    _require_object(command, "readConcern", value)
    fields = parse_fields("readConcern", value, _READ_FIELDS, generic={})
    for name in ("afterClusterTime", "atClusterTime"):
        if name in value and type(value[name]) is not Timestamp:
            raise errors.WRONG_TYPE(
                command="readConcern", field=name, actual=alias(value[name]), expected="type 'timestamp'"
            )
        if value.get(name) == _NULL_TIMESTAMP:
            raise errors.INVALID_OPTIONS(message=f"readConcern '{name}' cannot be a null timestamp")
    if "atClusterTime" in value and not value["atClusterTime"].time:
        raise errors.INVALID_OPTIONS(message="readConcern 'atClusterTime' is before the first cluster time")
    _check_provenance("readConcern", fields["provenance"])
    level = fields["level"]
    if level is not None and level not in _LEVELS:
        raise errors.NOT_ENUMERATED(value=level, field="readConcern.level")
    level = level or "local"
    if fields["atClusterTime"] is not None:
        if level != "snapshot":
            raise errors.INVALID_OPTIONS(
                message="readConcern 'atClusterTime' field can be set only if 'level' is equal to snapshot"
            )
        if fields["afterClusterTime"] is not None:
            raise errors.INVALID_OPTIONS(message="Can not specify both afterClusterTime and atClusterTime")
    if fields["afterOpTime"] is not None:
        raise errors.NOT_SUPPORTED_YET(what="'readConcern.afterOpTime'", reason="it belongs to replication")
    after = fields["afterClusterTime"]
    if after is not None and level not in ("local", "majority", "snapshot"):
        raise errors.INVALID_OPTIONS(
            message="readConcern 'afterClusterTime' field can be set only if 'level' is equal to majority, local, or "
            "snapshot"
        )
    if command == "getMore":  # drivers send it along in sessions of snapshot reads; that of the cursor stands
        return NO_CONCERNS.read
    commands = SNAPSHOT_COMMANDS if level == "snapshot" else READ_CONCERN_COMMANDS
    takes_any = command in commands or (is_transaction and command not in _LOCAL_IN_TRANSACTIONS)
    if level != "local" and not takes_any:
        raise errors.INVALID_OPTIONS(
            message=f'Command {command} does not support {{ readConcern: {{ level: "{level}" }} }} '
            ":: caused by :: read concern not supported"
        )
    return ReadConcern(level, after, fields["atClusterTime"])


def parse_write_concern(command: str, value: Any) -> WriteConcern:
    """A write concern document; None for none.

    errors   WRONG_TYPE, UNKNOWN_FIELD, FAILED_TO_PARSE, INVALID_OPTIONS for a command that takes none
    """
    if value is None:
        return NO_CONCERNS.write
    _require_object(command, "writeConcern", value)
    if command not in WRITE_CONCERN_COMMANDS:
        raise errors.INVALID_OPTIONS(message=f"Command {command} does not support writeConcern")
    fields = parse_fields("writeConcern", value, _WRITE_FIELDS, generic={})
    _check_provenance("writeConcern", fields["provenance"])
    is_durable = bool(fields["j"])
    if is_durable and fields["fsync"]:
        raise errors.FAILED_TO_PARSE(message="fsync and j options cannot be used together")
    timeout = fields["wtimeout"]
    if type(timeout) in NUMERIC_CLASSES and to_integer(timeout) > _INT32_MAX:
        raise errors.FAILED_TO_PARSE(message=f"wtimeout must be a 32-bit integer, but found: {timeout}")
    w = _acknowledgement(value["w"]) if "w" in value else NO_CONCERNS.write.w
    return WriteConcern(w, is_durable or bool(fields["fsync"]))


def _acknowledgement(w: Any) -> int | str | dict[str, Any]:
    """The value of `w`: a number of nodes, the name of a mode, or tags.

    errors   FAILED_TO_PARSE
    """
    if type(w) in NUMERIC_CLASSES:
        count = _node_count(w)
        if count is None or not 0 <= count <= _NODES_MAX:
            raise errors.FAILED_TO_PARSE(
                message=f"w has to be a non-negative number and not greater than {_NODES_MAX}; found: {w}"
            )
        return count
    if type(w) is str:
        return w
    if w is None:
        return ""
    if type(w) is dict:
        if not w:
            raise errors.FAILED_TO_PARSE(message="tagged write concern requires tags")
        if any(type(count) not in NUMERIC_CLASSES for count in w.values()):
            raise errors.FAILED_TO_PARSE(message="tags must be a single level document with only number values")
        return w
    raise errors.FAILED_TO_PARSE(message=f"w has to be a number, string, or object; found: {alias(w)}")


def _node_count(w: Any) -> int | None:
    """A number as `w` takes it: a double is cut, a decimal rounded half to even; None for NaN and infinities."""
    if type(w) is float:
        return int(w) if math.isfinite(w) else None
    if type(w) is Decimal128:
        number = w.to_decimal()
        return int(number.to_integral_value(ROUND_HALF_EVEN)) if number.is_finite() else None
    return int(w)


def _require_object(command: str, name: str, value: Any) -> None:
    if type(value) is not dict:
        raise errors.WRONG_TYPE(command=command, field=name, actual=alias(value), expected="type 'object'")


def _check_provenance(concern: str, provenance: str | None) -> None:
    if provenance is not None and provenance not in _PROVENANCES:
        raise errors.NOT_ENUMERATED(value=provenance, field=f"{concern}.provenance")
