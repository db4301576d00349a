"""Parameters of the running server: those that say something about it, and the few that can be set.

What is set is kept as long as the instance is open. Of those that can be set these do something: `cursorTimeoutMillis`
closes idle cursors sooner or later, `ttlMonitorEnabled` and `ttlMonitorSleepSecs` are about the deletion of documents
whose time is over, `transactionLifetimeLimitSeconds` ends transactions, `notablescan` refuses queries that would go by
no index, and `logLevel` or the verbosity of the component `command` from 1 on writes every operation into the log, not
the slow ones alone; the `ingressConnectionEstablishment…` limit how many connections a server lets in each second.
`quiet`, `automationServiceDescriptor` and the other components are kept and shown.

Source: manual, MongoDB Server Parameters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.access.credentials import MECHANISMS, SHA_1, SHA_256
from amongo.commands.attention import VERBOSE_LOG
from amongo.commands.explained import PLANNER_PARAMETERS
from amongo.commands.fields import to_integer, truth
from amongo.commands.transaction_fields import LIFETIME
from amongo.errors import command as errors
from amongo.runtime import limits
from amongo.values.numbers import number, to_double
from amongo.values.types import NUMERIC_CLASSES

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

Document = dict[str, Any]
_INT32_END: Final = 2**31

VERBOSITY: Final = "logComponentVerbosity"
LOG_LEVEL: Final = "logLevel"
CURSOR_TIMEOUT: Final = "cursorTimeoutMillis"
TTL_ENABLED: Final = "ttlMonitorEnabled"
TTL_SLEEP: Final = "ttlMonitorSleepSecs"
NO_SCANS: Final = "notablescan"
INGRESS_LIMITED: Final = "ingressConnectionEstablishmentRateLimiterEnabled"
INGRESS_RATE: Final = "ingressConnectionEstablishmentRatePerSec"
INGRESS_BURST: Final = "ingressConnectionEstablishmentBurstCapacitySecs"
INGRESS_QUEUE: Final = "ingressConnectionEstablishmentMaxQueueDepth"

# The components of the log, each with those within it.
_COMPONENTS: Final[Mapping[str, Any]] = {
    "accessControl": {},
    "assert": {},
    "command": {},
    "control": {},
    "executor": {},
    "ftdc": {},
    "geo": {},
    "index": {},
    "network": {"asio": {}, "bridge": {}, "connectionPool": {}},
    "query": {"optimizer": {}, "rejected": {}},
    "queryStats": {},
    "replication": {"election": {}, "heartbeats": {}, "initialSync": {}, "rollback": {}},
    "sharding": {"migration": {}, "rangeDeleter": {}, "shardingCatalogRefresh": {}},
    "storage": {
        "journal": {},
        "recovery": {},
        "wt": {
            name: {}
            for name in (
                "wtBackup",
                "wtCheckpoint",
                "wtCompact",
                "wtEviction",
                "wtHS",
                "wtRecovery",
                "wtRTS",
                "wtSalvage",
                "wtTiered",
                "wtTimestamp",
                "wtTransaction",
                "wtVerify",
                "wtWriteLog",
            )
        },
    },
    "test": {},
    "tracking": {},
    "transaction": {},
    "write": {},
}


def _silent(components: Mapping[str, Any]) -> Document:
    """Nothing is set for any of these: -1, which means as the one around it."""
    return {name: {"verbosity": -1, **_silent(inner)} for name, inner in components.items()}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    value         as long as nobody sets it
    at_startup    can be set when a server is started
    read          (the value that it has, the one that is asked for) -> the one it gets; None where it cannot be set
    """

    value: Any
    at_startup: bool = False
    read: Callable[[Any, Any], Any] | None = None


def _quiet(before: Any, value: Any) -> bool:
    """A boolean: whatever is no number and no boolean counts as true, as on the server."""
    return truth(value) if type(value) is bool or type(value) in NUMERIC_CLASSES else value is not None


def _log_level(before: Any, value: Any) -> int:
    if type(value) is not bool and type(value) not in NUMERIC_CLASSES:
        raise errors.BAD_VALUE(message="Invalid value for logLevel: it has to be a number")
    level = to_integer(int(value) if type(value) is bool else value)
    if level < 0:
        raise errors.BAD_VALUE(message=f"Invalid value for logLevel: {level}")
    return int(number(level))


def _verbosity(before: Document, value: Any) -> Document:
    """The verbosities with those that are given put in: all of them, or none."""
    if type(value) is not dict:
        raise errors.BAD_VALUE(message="logComponentVerbosity is not a BSON object")
    return _merged(before, value, "default", least=0)


def _merged(before: Document, value: Document, path: str, least: int) -> Document:
    merged = dict(before)
    for name, given in value.items():
        if name == "verbosity":
            if type(given) not in NUMERIC_CLASSES:
                raise errors.BAD_VALUE(message=f"Expected {path}.verbosity to be a number")
            merged[name] = max(int(number(to_integer(given))), least)
        elif name not in before:
            raise errors.BAD_VALUE(message=f"Invalid component name {path}.{name}")
        elif type(given) in NUMERIC_CLASSES:
            merged[name] = _merged(before[name], {"verbosity": given}, f"{path}.{name}", least=-1)
        elif type(given) is dict:
            merged[name] = _merged(before[name], given, f"{path}.{name}", least=-1)
        else:
            raise errors.BAD_VALUE(message=f"Expected {path}.{name} to be a number or an object")
    return merged


def _text(before: Any, value: Any) -> str:
    if type(value) is not str:
        raise errors.BAD_VALUE(message="Value must be a string")
    return value


def _positive(name: str) -> Callable[[Any, Any], int]:
    def read(before: Any, value: Any) -> int:
        if type(value) not in NUMERIC_CLASSES:
            raise errors.BAD_VALUE(message=f"Invalid value for {name}: it has to be a number")
        given = to_integer(value)
        if not 1 <= given < _INT32_END:
            raise errors.BAD_VALUE(message=f"Invalid value for parameter {name}: {given} is not greater than 0")
        return given

    return read


def _seconds(before: Any, value: Any) -> float:
    if type(value) not in NUMERIC_CLASSES or not to_double(value) > 0:
        raise errors.BAD_VALUE(message=f"Invalid value for parameter {INGRESS_BURST}: it has to be greater than 0")
    return to_double(value)


def _depth(before: Any, value: Any) -> int:
    if type(value) not in NUMERIC_CLASSES or not 0 <= to_integer(value) < _INT32_END:
        raise errors.BAD_VALUE(message=f"Invalid value for parameter {INGRESS_QUEUE}: it has to be 0 or greater")
    return to_integer(value)


PARAMETERS: Final[Mapping[str, Parameter]] = {
    "ShardingTaskExecutorPoolReplicaSetMatching": Parameter("automatic", at_startup=True),
    "allowDiskUseByDefault": Parameter(True, at_startup=True),
    "authenticationMechanisms": Parameter(["MONGODB-X509", *sorted(MECHANISMS)], at_startup=True),
    "automationServiceDescriptor": Parameter("", at_startup=True, read=_text),
    CURSOR_TIMEOUT: Parameter(limits.CURSOR_IDLE_MS, at_startup=True, read=_positive(CURSOR_TIMEOUT)),
    "enableLocalhostAuthBypass": Parameter(True, at_startup=True),
    "enableTestCommands": Parameter(False, at_startup=True),
    "featureCompatibilityVersion": Parameter({"version": "8.0"}),
    **{name: Parameter(value) for name, value in PLANNER_PARAMETERS.items()},
    INGRESS_BURST: Parameter(sys.float_info.max, at_startup=True, read=_seconds),
    INGRESS_QUEUE: Parameter(0, at_startup=True, read=_depth),
    INGRESS_RATE: Parameter(_INT32_END - 1, at_startup=True, read=_positive(INGRESS_RATE)),
    INGRESS_LIMITED: Parameter(False, at_startup=True, read=_quiet),
    "localLogicalSessionTimeoutMinutes": Parameter(limits.SESSION_IDLE_MINUTES, at_startup=True),
    VERBOSITY: Parameter({"verbosity": 0, **_silent(_COMPONENTS)}, at_startup=True, read=_verbosity),
    LOG_LEVEL: Parameter(0, at_startup=True, read=_log_level),
    "maxBSONDepth": Parameter(limits.BSON_DEPTH, at_startup=True),
    "maxSessions": Parameter(limits.OPEN_SESSIONS, at_startup=True),
    NO_SCANS: Parameter(False, at_startup=True, read=_quiet),
    "quiet": Parameter(False, at_startup=True, read=_quiet),
    "scramIterationCount": Parameter(SHA_1.iterations),
    "scramSHA256IterationCount": Parameter(SHA_256.iterations),
    LIFETIME: Parameter(limits.TRANSACTION_LIFETIME_S, at_startup=True, read=_positive(LIFETIME)),
    TTL_ENABLED: Parameter(True, at_startup=True, read=_quiet),
    TTL_SLEEP: Parameter(int(limits.EXPIRY_INTERVAL_S), at_startup=True, read=_positive(TTL_SLEEP)),
}


def value_of(instance: Instance, name: str) -> Any:
    """The value of a parameter now."""
    return instance.parameters.get(name, PARAMETERS[name].value)


def set_values(instance: Instance, values: Mapping[str, Any]) -> None:
    """Give parameters other values, and do what they say."""
    instance.parameters.update(values)
    if LOG_LEVEL in values:
        instance.parameters[VERBOSITY] = value_of(instance, VERBOSITY) | {"verbosity": values[LOG_LEVEL]}
    elif VERBOSITY in values:
        instance.parameters[LOG_LEVEL] = values[VERBOSITY]["verbosity"]
    if CURSOR_TIMEOUT in values:
        instance.cursors.idle_s = values[CURSOR_TIMEOUT] / 1000
    verbosity = value_of(instance, VERBOSITY)
    own = verbosity["command"]["verbosity"]
    instance.profiler.logs_all = (verbosity["verbosity"] if own < 0 else own) > 0
    instance.attention.call(VERBOSE_LOG, is_on=instance.profiler.logs_all)
    if TTL_ENABLED in values:
        instance.expiry.is_enabled = values[TTL_ENABLED]
    if NO_SCANS in values:
        instance.refuses_scans = values[NO_SCANS]
    if TTL_SLEEP in values:
        instance.expiry.interval_s = values[TTL_SLEEP]
