"""Every command as every built-in role, and as nobody: `matrix` says who may, and the code has to agree.

Whether a command may be run is decided when it is parsed, before anything is done; so nothing has to be run here, and
every combination is tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bson import Binary, Decimal128, Int64
from matrix import CASES, OF_ADMIN, ROLES
from peers import Client, nobody, somebody

from amongo.aggregate.stages.registry import STAGES
from amongo.commands.access.builtin_roles import built_in_names
from amongo.commands.access.names import RoleName
from amongo.commands.access.needs import RULES
from amongo.commands.access.pipeline_needs import NEEDLESS, STAGE_NEEDS
from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.registry import COMMANDS, NOT_YET, TEST_COMMANDS
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode

UNAUTHORIZED = 13


@pytest.fixture(scope="module")
def opened() -> Iterator[Instance]:
    instance = Instance.open(None, clock=ManualClock())
    instance.allow_test_commands()
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def clients(opened: Instance) -> dict[str, Client]:
    """Somebody with each role, and nobody."""
    made = {name: somebody(opened, {"role": name, "db": "admin" if name in OF_ADMIN else "shop"}) for name in ROLES}
    return made | {"nobody": nobody(opened)}


def refusal(client: Client, command: dict[str, object], database: str) -> int:
    """The error when the command is parsed; 0 for none."""
    try:
        client.instance.parse_command(database, encode(command), Context(peer=client.peer))
    except ServerError as error:
        return error.code
    return 0


def test_all_built_in_roles_are_tried() -> None:
    there = {*built_in_names("shop"), *built_in_names("admin")}
    assert there == {RoleName(name, "admin") for name in ROLES} | {RoleName(name, "shop") for name in ROLES[:6]}


def test_every_command_is_tried() -> None:
    tried = {next(iter(case.command)) for case in CASES.values()}
    assert {command.name for command in (COMMANDS | TEST_COMMANDS).values()} - tried == set()


@pytest.mark.parametrize("label", CASES)
def test_who_may_run_it(label: str, clients: dict[str, Client], opened: Instance) -> None:
    case = CASES[label]
    name = next(iter(case.command))
    if name not in opened.commands:
        assert name in NOT_YET
        return
    expected = {*case.roles.split(), "__system"}
    refusals = {name: refusal(client, case.command, case.database) for name, client in clients.items()}
    assert set(refusals.values()) <= {0, UNAUTHORIZED}, refusals
    assert {name for name, code in refusals.items() if not code} == expected


def test_rules_are_those_of_commands() -> None:
    assert set(RULES) <= {command.name for command in (COMMANDS | TEST_COMMANDS).values()} | set(NOT_YET)


def test_clients_are_told_for_what_they_have_to_be_somebody(clients: dict[str, Client]) -> None:
    told = clients["nobody"].ask({"listCommands": 1})["commands"]
    open_to_all = {next(iter(case.command)) for case in CASES.values() if "nobody" in case.roles.split()}
    assert {name for name, each in told.items() if not each["requiresAuth"]} == open_to_all


def test_stages_are_all_looked_at() -> None:
    assert set(STAGES) <= set(STAGE_NEEDS) | NEEDLESS | {"$listSampledQueries"}
    assert NEEDLESS.isdisjoint(STAGE_NEEDS)
    assert set(STAGES) >= NEEDLESS


ODD = (
    None,
    True,
    -1,
    1.5,
    Int64(3),
    Decimal128("NaN"),
    "",
    "x",
    "\0",
    {},
    {"a": 1},
    [],
    [1],
    [{}],
    [None],
    Binary(b"a"),
)


@pytest.mark.parametrize("name", ["read", "clusterMonitor", "root"])
def test_whatever_is_asked_is_answered(name: str, clients: dict[str, Client]) -> None:
    """Odd values in the place of each field: they are refused, or not, and nothing else happens."""
    for case in CASES.values():
        for field in case.command:
            for odd in ODD:
                refusal(clients[name], {**case.command, field: odd}, case.database)  # raises what is no answer


def test_nobody_is_told_who_they_have_to_be(clients: dict[str, Client]) -> None:
    reply = clients["nobody"].ask({"find": "c"})
    assert reply["code"] == UNAUTHORIZED
    assert reply["errmsg"] == "Command find requires authentication"


def test_nobody_may_look_at_how_a_command_is_written_wrong(clients: dict[str, Client]) -> None:
    assert clients["nobody"].code({"find": "c", "colour": "red"}) == UNAUTHORIZED
    assert clients["read"].code({"find": "c", "colour": "red"}) == 40415


def test_an_unknown_command_is_unknown_to_everybody(clients: dict[str, Client]) -> None:
    assert {client.code({"makeTea": 1}) for client in clients.values()} == {59}
