"""The part of the player of unified tests that is about sessions and transactions; see `unified_format`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pymongo.monitoring import CommandStartedEvent
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import make_read_preference, read_pref_mode_from_name
from pymongo.write_concern import WriteConcern

from amongo import AsyncClientSession
from amongo.client.session import TransactionOptions

_STATES = {
    "none": "NONE",
    "starting": "STARTING",
    "in_progress": "IN_PROGRESS",
    "committed": ("COMMITTED", "COMMITTED_EMPTY"),
    "aborted": "ABORTED",
}


def session_options(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments of `start_session`; None where an option is not known here."""
    options = dict(given)
    made: dict[str, Any] = {}
    for name, argument in (("causalConsistency", "causal_consistency"), ("snapshot", "snapshot")):
        if name in options:
            made[argument] = options.pop(name)
    if "defaultTransactionOptions" in options:
        made["default_transaction_options"] = TransactionOptions(
            **transaction_options(options.pop("defaultTransactionOptions"))
        )
    return None if options else made


def read_preference(given: Mapping[str, Any]) -> Any:
    """A read preference; a mode is written with a capital or without."""
    mode = given["mode"]
    return make_read_preference(read_pref_mode_from_name(mode[0].lower() + mode[1:]), None)


def transaction_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `start_transaction`."""
    made: dict[str, Any] = {}
    if "readConcern" in given:
        made["read_concern"] = ReadConcern(**given["readConcern"])
    if "writeConcern" in given:
        names = {"journal": "j", "wtimeoutMS": "wtimeout"}
        made["write_concern"] = WriteConcern(
            **{names.get(name, name): value for name, value in given["writeConcern"].items()}
        )
    if "readPreference" in given:
        made["read_preference"] = read_preference(given["readPreference"])
    if "maxCommitTimeMS" in given:
        made["max_commit_time_ms"] = given["maxCommitTimeMS"]
    return made


async def perform_in_transaction(
    session: AsyncClientSession,
    arguments: Mapping[str, Any],
    perform: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """`withTransaction`: its callback performs operations."""

    async def callback(_: AsyncClientSession) -> None:
        for operation in arguments["callback"]:
            await perform(operation)

    await session.with_transaction(callback, **transaction_options(arguments))


def check_session(name: str, session: AsyncClientSession, arguments: Mapping[str, Any]) -> str | None:
    """What one of the runner's assertions on a session finds wrong; None for nothing.

    errors   KeyError for an assertion that is not known here
    """
    server_session = session._server_session
    if name == "assertSessionTransactionState":
        wanted = _STATES[arguments["state"]]
        found = session._state.name
        return None if found in (wanted if isinstance(wanted, tuple) else (wanted,)) else f"its state is {found}"
    is_dirty = server_session is not None and server_session.dirty
    wanted_dirty = {"assertSessionDirty": True, "assertSessionNotDirty": False}[name]
    return None if is_dirty is wanted_dirty else f"dirty: {is_dirty}"


def check_last_ids(name: str, events: list[Any]) -> str | None:
    """What is wrong with the sessions of the last two commands; None for nothing."""
    one, other = [event.command["lsid"] for event in events if isinstance(event, CommandStartedEvent)][-2:]
    is_same = name == "assertSameLsidOnLastTwoCommands"
    return None if (one == other) is is_same else f"{one} and {other}"
