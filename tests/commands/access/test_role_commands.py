"""The commands that make, change, drop and show roles; source: their pages in the manual, Error Codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from peers import in_process

from amongo.commands.instance import Instance

Document = dict[str, Any]
Ask = Callable[..., Document]

FIND_IN_SHOP = {"resource": {"db": "shop", "collection": ""}, "actions": ["find"]}
INSERT_FRUIT = {"resource": {"db": "shop", "collection": "fruit"}, "actions": ["insert", "update"]}
TOP = {"resource": {"cluster": True}, "actions": ["top"]}


@pytest.fixture
def do(instance: Instance) -> Ask:
    def ask(command: Document, database: str = "shop") -> Document:
        return in_process(instance, command, database)

    return ask


def make(do: Ask, name: str, *, database: str = "shop", privileges: Any = (), roles: Any = (), **more: Any) -> Document:
    return do({"createRole": name, "privileges": list(privileges), "roles": list(roles), **more}, database)


def show(do: Ask, name: str, database: str = "shop", **options: Any) -> Document:
    (shown,) = do({"rolesInfo": name, **options}, database)["roles"]
    return dict(shown)


def test_a_role_is_made_and_shown(do: Ask) -> None:
    assert make(do, "clerk", privileges=[INSERT_FRUIT], roles=["read"]) == {"ok": 1.0}
    assert show(do, "clerk") == {
        "_id": "shop.clerk",
        "role": "clerk",
        "db": "shop",
        "roles": [{"role": "read", "db": "shop"}],
        "isBuiltin": False,
        "inheritedRoles": [{"role": "read", "db": "shop"}],
    }
    shown = show(do, "clerk", showPrivileges=True)
    assert shown["privileges"] == [INSERT_FRUIT]
    assert shown["inheritedPrivileges"][0] == INSERT_FRUIT
    assert {"db": "shop", "collection": "system.js"} in [each["resource"] for each in shown["inheritedPrivileges"]]


def test_a_role_is_a_document_of_the_system(do: Ask) -> None:
    make(do, "clerk", privileges=[FIND_IN_SHOP])
    (stored,) = do({"find": "system.roles"}, "admin")["cursor"]["firstBatch"]
    assert stored == {"_id": "shop.clerk", "role": "clerk", "db": "shop", "privileges": [FIND_IN_SHOP], "roles": []}


def test_privileges_are_granted_and_revoked(do: Ask) -> None:
    make(do, "clerk", privileges=[FIND_IN_SHOP])
    more = {"resource": {"db": "shop", "collection": ""}, "actions": ["insert", "find"]}
    assert do({"grantPrivilegesToRole": "clerk", "privileges": [more, INSERT_FRUIT]}) == {"ok": 1.0}
    both = {"resource": {"db": "shop", "collection": ""}, "actions": ["find", "insert"]}
    assert show(do, "clerk", showPrivileges=True)["privileges"] == [both, INSERT_FRUIT]
    assert do({"revokePrivilegesFromRole": "clerk", "privileges": [FIND_IN_SHOP, INSERT_FRUIT]}) == {"ok": 1.0}
    left = {"resource": {"db": "shop", "collection": ""}, "actions": ["insert"]}
    assert show(do, "clerk", showPrivileges=True)["privileges"] == [left]


def test_roles_are_granted_and_revoked(do: Ask) -> None:
    make(do, "clerk")
    make(do, "chief")
    assert do({"grantRolesToRole": "chief", "roles": ["clerk", {"role": "read", "db": "shop"}, "clerk"]}) == {"ok": 1.0}
    assert [each["role"] for each in show(do, "chief")["roles"]] == ["clerk", "read"]
    assert do({"revokeRolesFromRole": "chief", "roles": ["clerk"]}) == {"ok": 1.0}
    assert [each["role"] for each in show(do, "chief")["roles"]] == ["read"]


def test_a_role_is_updated_part_by_part(do: Ask) -> None:
    make(do, "clerk", privileges=[FIND_IN_SHOP], roles=["read"])
    assert do({"updateRole": "clerk", "privileges": []}) == {"ok": 1.0}
    shown = show(do, "clerk", showPrivileges=True)
    assert (shown["privileges"], [each["role"] for each in shown["roles"]]) == ([], ["read"])
    assert do({"updateRole": "clerk", "roles": ["dbAdmin"]}) == {"ok": 1.0}
    assert [each["role"] for each in show(do, "clerk")["roles"]] == ["dbAdmin"]


def test_inheritance_goes_all_the_way_down(do: Ask) -> None:
    make(do, "a", database="admin", privileges=[TOP])
    make(do, "b", database="admin", roles=["a", {"role": "read", "db": "shop"}])
    make(do, "c", database="admin", roles=["b", "a"])
    shown = show(do, "c", "admin", showPrivileges=True)
    assert [each["role"] for each in shown["inheritedRoles"]] == ["b", "a", "read"]
    assert TOP in shown["inheritedPrivileges"]
    assert shown["privileges"] == []


def test_who_has_a_role_loses_it_when_it_is_dropped(do: Ask) -> None:
    make(do, "clerk")
    make(do, "chief", roles=["clerk"])
    do({"createUser": "ann", "pwd": "x", "roles": ["clerk", "chief"], "mechanisms": ["SCRAM-SHA-256"]})
    assert do({"dropRole": "clerk"}) == {"ok": 1.0}
    make(do, "clerk", privileges=[FIND_IN_SHOP])  # another one, which nobody has
    assert show(do, "chief")["roles"] == []
    (ann,) = do({"usersInfo": "ann"})["users"]
    assert ann["roles"] == [{"role": "chief", "db": "shop"}]


def test_all_roles_of_a_database_are_dropped(do: Ask) -> None:
    make(do, "clerk")
    make(do, "chief", roles=["clerk"])
    make(do, "clerk", database="other")
    assert do({"dropAllRolesFromDatabase": 1}) == {"n": 2, "ok": 1.0}
    assert do({"rolesInfo": 1})["roles"] == []
    assert len(do({"rolesInfo": 1}, "other")["roles"]) == 1


def test_all_roles_of_a_database_are_shown(do: Ask) -> None:
    make(do, "clerk")
    assert [each["role"] for each in do({"rolesInfo": 1})["roles"]] == ["clerk"]
    shown = do({"rolesInfo": 1, "showBuiltinRoles": True})["roles"]
    of_databases = ["dbAdmin", "dbOwner", "enableSharding", "read", "readWrite", "userAdmin"]
    assert [each["role"] for each in shown] == ["clerk", *of_databases]
    assert [each["isBuiltin"] for each in shown] == [False, *[True] * 6]
    assert len(do({"rolesInfo": 1, "showBuiltinRoles": True}, "admin")["roles"]) == 19


def test_a_built_in_role_is_shown_as_the_manual_shows_it(do: Ask) -> None:
    """Source: manual, Built-In Roles, the output for readWrite."""
    names = """
        changeStream cleanupStructuredEncryptionData collStats compactStructuredEncryptionData convertToCapped
        createCollection createIndex createSearchIndexes dbHash dbStats dropCollection dropIndex dropSearchIndex find
        insert killCursors listCollections listIndexes listSearchIndexes updateSearchIndex planCacheRead
        performRawDataOperations remove renameCollectionSameDB update
    """
    shown = show(do, "readWrite", "test", showPrivileges=True, showBuiltinRoles=True)
    privileges = [
        {"resource": {"db": "test", "collection": name}, "actions": sorted(names.split())} for name in ("", "system.js")
    ]
    assert shown == {
        "role": "readWrite",
        "db": "test",
        "privileges": privileges,
        "roles": [],
        "isBuiltin": True,
        "inheritedRoles": [],
        "inheritedPrivileges": privileges,
    }


def test_roles_as_a_user_would_be_shown_who_has_them(do: Ask) -> None:
    make(do, "clerk", privileges=[INSERT_FRUIT], roles=["read"])
    fragment = do({"rolesInfo": ["clerk"], "showPrivileges": "asUserFragment"})["userFragment"]
    assert fragment["roles"] == [{"role": "clerk", "db": "shop"}]
    assert [each["role"] for each in fragment["inheritedRoles"]] == ["clerk", "read"]
    assert INSERT_FRUIT in fragment["inheritedPrivileges"]


def test_restrictions_are_kept_and_shown(do: Ask) -> None:
    here = [{"clientSource": ["127.0.0.1"]}]
    make(do, "clerk", authenticationRestrictions=here)
    make(do, "chief", roles=["clerk"])
    shown = show(do, "chief", showAuthenticationRestrictions=True)
    assert (shown["authenticationRestrictions"], shown["inheritedAuthenticationRestrictions"]) == ([], [here])
    assert show(do, "clerk", showAuthenticationRestrictions=True)["authenticationRestrictions"] == [here]
    assert "authenticationRestrictions" not in show(do, "clerk")


# Command, database, the number of the error; there are `clerk` with the role `chief`, and `chief`.
REFUSED: dict[str, tuple[Document, str, int]] = {
    "a role that is there": ({"createRole": "clerk", "privileges": [], "roles": []}, "shop", 51002),
    "no name": ({"createRole": "", "privileges": [], "roles": []}, "shop", 2),
    "a name of a built-in role": ({"createRole": "read", "privileges": [], "roles": []}, "shop", 2),
    "a role of local": ({"createRole": "x", "privileges": [], "roles": []}, "local", 2),
    "no privileges": ({"createRole": "x", "roles": []}, "shop", 40414),
    "no roles": ({"createRole": "x", "privileges": []}, "shop", 40414),
    "an unknown field": ({"createRole": "x", "privileges": [], "roles": [], "pwd": "y"}, "shop", 40415),
    "a privilege of another database": (
        {"createRole": "x", "privileges": [FIND_IN_SHOP], "roles": []},
        "other",
        49,
    ),
    "a privilege of the cluster": ({"createRole": "x", "privileges": [TOP], "roles": []}, "shop", 49),
    "a role that is not there": ({"createRole": "x", "privileges": [], "roles": ["nobody"]}, "shop", 31),
    "a role of another database": (
        {"createRole": "x", "privileges": [], "roles": [{"role": "read", "db": "other"}]},
        "shop",
        49,
    ),
    "itself": ({"grantRolesToRole": "clerk", "roles": ["clerk"]}, "shop", 49),
    "a cycle": ({"grantRolesToRole": "chief", "roles": ["clerk"]}, "shop", 49),
    "a cycle by an update": ({"updateRole": "chief", "roles": ["clerk"]}, "shop", 49),
    "nothing to update": ({"updateRole": "clerk"}, "shop", 2),
    "an update of what is not there": ({"updateRole": "nobody", "roles": []}, "shop", 31),
    "an update of a built-in role": ({"updateRole": "read", "roles": []}, "shop", 49),
    "a grant to what is not there": ({"grantRolesToRole": "nobody", "roles": ["read"]}, "shop", 31),
    "a grant of nothing": ({"grantRolesToRole": "clerk", "roles": []}, "shop", 2),
    "a grant of no privileges": ({"grantPrivilegesToRole": "clerk", "privileges": []}, "shop", 2),
    "a grant to a built-in role": ({"grantPrivilegesToRole": "read", "privileges": [FIND_IN_SHOP]}, "shop", 49),
    "revoking what is not there": ({"revokeRolesFromRole": "clerk", "roles": ["nobody"]}, "shop", 31),
    "revoking from what is not there": (
        {"revokePrivilegesFromRole": "nobody", "privileges": [FIND_IN_SHOP]},
        "shop",
        31,
    ),
    "dropping what is not there": ({"dropRole": "nobody"}, "shop", 31),
    "dropping a built-in role": ({"dropRole": "root"}, "admin", 49),
    "a user with a role that is not there": ({"createUser": "x", "pwd": "y", "roles": ["nobody"]}, "shop", 31),
    "roles by a number": ({"rolesInfo": 2}, "shop", 2),
    "privileges shown otherwise": ({"rolesInfo": "read", "showPrivileges": "all"}, "shop", 9),
    "a fragment of all": ({"rolesInfo": 1, "showPrivileges": "asUserFragment"}, "shop", 72),
    "the cache of another database": ({"invalidateUserCache": 1}, "shop", 13),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, do: Ask) -> None:
    make(do, "chief")
    make(do, "clerk", roles=["chief"])
    command, database, code = REFUSED[case]
    before = do({"rolesInfo": 1, "showPrivileges": True})
    reply = do(command, database)
    assert (reply["ok"], reply.get("code")) == (0.0, code)
    assert do({"rolesInfo": 1, "showPrivileges": True}) == before


def test_a_role_that_is_not_there_is_not_shown(do: Ask) -> None:
    assert do({"rolesInfo": ["nobody", "read"]})["roles"] == do({"rolesInfo": "read"})["roles"]


def test_a_document_that_is_no_role_grants_nothing(do: Ask) -> None:
    made = [{"_id": "shop.bad", "role": "bad", "db": "shop"}, {"_id": "shop.worse", "role": 1, "roles": "all"}]
    assert do({"insert": "system.roles", "documents": made}, "admin")["n"] == 2
    make(do, "clerk")
    assert [each["role"] for each in do({"rolesInfo": 1})["roles"]] == ["clerk"]
    assert do({"grantRolesToRole": "clerk", "roles": ["bad"]})["code"] == 31
    assert do({"dropRole": "clerk"})["ok"] == 1.0
