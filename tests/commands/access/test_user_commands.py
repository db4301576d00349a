"""createUser, updateUser, dropUser, usersInfo and their like: what they take, what they refuse, what they show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asking import Ask
from bson import Binary
from peers import Document, in_process, nobody, somebody

from amongo.commands.access.credentials import MECHANISMS
from amongo.commands.instance import Instance
from amongo.commands.operations import Operation

ANN = {"createUser": "ann", "pwd": "pencil", "roles": ["read", {"role": "dbAdmin", "db": "store"}]}
ROLES = [{"role": "read", "db": "shop"}, {"role": "dbAdmin", "db": "store"}]


def shown(ask: Ask, asked: Any = "ann", database: str = "shop", **options: Any) -> list[Document]:
    return list(ask({"usersInfo": asked, **options}, database)["users"])


def test_a_user_is_shown_without_its_secrets(ask: Ask) -> None:
    assert ask(ANN) == {"ok": 1.0}
    (user,) = shown(ask)
    assert (type(user["userId"]), user["userId"].subtype) == (Binary, 4)
    del user["userId"]
    assert user == {
        "_id": "shop.ann",
        "user": "ann",
        "db": "shop",
        "roles": ROLES,
        "mechanisms": list(MECHANISMS),
    }


def test_the_stored_document_is_mongodbs(ask: Ask) -> None:
    ask({**ANN, "customData": {"desk": 4}})
    (document,) = ask({"find": "system.users"}, "admin")["cursor"]["firstBatch"]
    assert list(document) == ["_id", "userId", "user", "db", "credentials", "customData", "roles"]
    for name, iterations, salt, key in (("SCRAM-SHA-1", 10000, 24, 28), ("SCRAM-SHA-256", 15000, 40, 44)):
        credential = document["credentials"][name]
        assert list(credential) == ["iterationCount", "salt", "storedKey", "serverKey"]
        lengths = [len(credential[each]) for each in ("salt", "storedKey", "serverKey")]
        assert (credential["iterationCount"], lengths) == (iterations, [salt, key, key])
    assert "pencil" not in str(document)


def test_credentials_are_shown_to_who_asks_for_them(ask: Ask) -> None:
    ask({**ANN, "customData": {"desk": 4}})
    (user,) = shown(ask, showCredentials=True)
    assert set(user["credentials"]) == set(MECHANISMS)
    assert user["customData"] == {"desk": 4}
    (user,) = shown(ask, showCustomData=False)
    assert not {"credentials", "customData"} & set(user)


def test_which_users_are_asked_for(ask: Ask) -> None:
    for name, database in (("zoe", "shop"), ("bob", "shop"), ("bob", "admin"), ("ann", "store")):
        ask({"createUser": name, "pwd": "x", "roles": [], "mechanisms": ["SCRAM-SHA-1"]}, database)

    def names(asked: Any, **options: Any) -> list[str]:
        return [user["_id"] for user in shown(ask, asked, **options)]

    assert names(1) == ["shop.bob", "shop.zoe"]
    assert names("bob") == names({"user": "bob", "db": "shop"}) == ["shop.bob"]
    assert names(["zoe", {"user": "bob", "db": "admin"}, "nobody", "zoe"]) == ["admin.bob", "shop.zoe"]
    assert names({"forAllDBs": True}) == ["store.ann", "admin.bob", "shop.bob", "shop.zoe"]
    assert names({"forAllDBs": True}, filter={"user": {"$gt": "b"}, "db": "shop"}) == ["shop.bob", "shop.zoe"]
    assert names("nobody") == names([]) == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"usersInfo": 2}, 2),
        ({"usersInfo": True}, 2),
        ({"usersInfo": {"user": "ann"}}, 2),
        ({"usersInfo": {"forAllDBs": False}}, 2),
        ({"usersInfo": ["ann", 1]}, 2),
        ({"usersInfo": 1, "showPrivileges": True}, 20),
        ({"usersInfo": 1, "showAuthenticationRestrictions": True}, 20),
        ({"usersInfo": 1, "showCredentials": 1}, 14),
        ({"usersInfo": 1, "filter": {"$no": 1}}, 2),
        ({"usersInfo": 1, "noSuchField": 1}, 40415),
    ],
)
def test_what_usersinfo_refuses(ask: Ask, command: Document, code: int) -> None:
    assert ask(command)["code"] == code


def test_privileges_and_restrictions_are_shown_of_named_users(ask: Ask) -> None:
    restrictions = [{"clientSource": ["127.0.0.1"]}]
    ask({**ANN, "roles": ["read"], "authenticationRestrictions": restrictions})
    (user,) = shown(ask, showPrivileges=True)
    assert user["inheritedRoles"] == [{"role": "read", "db": "shop"}]
    found = {str(each["resource"]): each["actions"] for each in user["inheritedPrivileges"]}
    assert "find" in found[str({"db": "shop", "collection": ""})]
    assert user["authenticationRestrictions"] == restrictions
    assert user["inheritedAuthenticationRestrictions"] == [restrictions]
    (user,) = shown(ask, showAuthenticationRestrictions=True)
    assert "inheritedPrivileges" not in user
    assert user["authenticationRestrictions"] == restrictions
    assert "authenticationRestrictions" not in shown(ask)[0]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"pwd": ""}, 2, "Password cannot be empty"),
        ({"pwd": None}, 2, "Must provide a 'pwd'"),
        ({"pwd": 1}, 14, "pwd"),
        ({"createUser": ""}, 2, "non-empty"),
        ({"createUser": "a\0b"}, 2, "NULL"),
        ({"createUser": 1}, 14, "createUser"),
        ({"createUser": None}, 14, "createUser"),
        ({"roles": None}, 40414, "roles"),
        ({"roles": "read"}, 14, "roles"),
        ({"roles": [1]}, 2, "role"),
        ({"roles": [{"role": "read"}]}, 2, "role"),
        ({"roles": ["noSuchRole"]}, 31, "noSuchRole@shop"),
        ({"mechanisms": []}, 2, "must not be empty"),
        ({"mechanisms": ["PLAIN"]}, 2, "Unknown auth mechanism 'PLAIN'"),
        ({"mechanisms": [1]}, 14, "mechanisms"),
        ({"mechanisms": ["SCRAM-SHA-256"], "digestPassword": False}, 2, "undigested"),
        ({"digestPassword": 1}, 14, "digestPassword"),
        ({"passwordDigestor": "server"}, 40415, "passwordDigestor"),
        ({"customData": 1}, 14, "customData"),
        ({"pwd": "a\x07b"}, 2, "prohibited"),
        ({"authenticationRestrictions": [{}]}, 2, "empty"),
        ({"authenticationRestrictions": [{"clientSource": ["example.org"]}]}, 2, "example.org"),
        ({"authenticationRestrictions": [{"clientSource": "127.0.0.1"}]}, 14, "clientSource"),
        ({"authenticationRestrictions": [{"source": []}]}, 40415, "source"),
        ({"authenticationRestrictions": [1]}, 14, "authenticationRestrictions"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_createuser_refuses(ask: Ask, change: Document, code: int, words: str) -> None:
    reply = ask({**ANN, **change})
    assert (reply["code"], words in reply["errmsg"]) == (code, True), reply
    assert shown(ask, {"forAllDBs": True}) == []


def test_a_user_is_there_once(ask: Ask) -> None:
    ask(ANN)
    reply = ask(ANN)
    assert (reply["code"], reply["errmsg"]) == (51003, 'User "ann@shop" already exists')
    assert ask({**ANN, "roles": []}, "store")["ok"] == 1.0


def test_the_local_database_has_no_users(ask: Ask) -> None:
    assert ask({**ANN, "roles": []}, "local")["code"] == 2


def test_users_of_certificates(ask: Ask) -> None:
    assert ask({"createUser": "CN=ann", "pwd": "x", "roles": []}, "$external")["code"] == 2
    assert ask({"createUser": "CN=ann", "roles": []}, "$external") == {"ok": 1.0}
    (user,) = shown(ask, "CN=ann", "$external", showCredentials=True)
    assert (user["mechanisms"], user["credentials"]) == (["external"], {"external": True})
    assert ask({"updateUser": "CN=ann", "pwd": "x"}, "$external")["code"] == 2


def test_a_digested_password_serves_sha_1_alone(ask: Ask) -> None:
    ask({**ANN, "digestPassword": False})
    assert shown(ask)[0]["mechanisms"] == ["SCRAM-SHA-1"]


def test_updating_a_user(ask: Ask) -> None:
    ask({**ANN, "customData": {"desk": 4}})
    before = shown(ask, showCredentials=True)[0]
    assert ask({"updateUser": "ann", "customData": {"desk": 5}, "roles": ["readWrite"]}) == {"ok": 1.0}
    after = shown(ask, showCredentials=True)[0]
    changed = {"customData": {"desk": 5}, "roles": [{"role": "readWrite", "db": "shop"}]}
    assert after == {**before, **changed}
    assert ask({"updateUser": "ann", "pwd": "other"}) == {"ok": 1.0}
    renewed = shown(ask, showCredentials=True)[0]
    assert {**renewed, "credentials": None} == {**after, "credentials": None}
    assert renewed["credentials"] != after["credentials"]


def test_mechanisms_can_be_taken_away(ask: Ask) -> None:
    ask(ANN)
    before = shown(ask, showCredentials=True)[0]["credentials"]
    assert ask({"updateUser": "ann", "mechanisms": ["SCRAM-SHA-256"]})["ok"] == 1.0
    assert shown(ask, showCredentials=True)[0]["credentials"] == {"SCRAM-SHA-256": before["SCRAM-SHA-256"]}
    assert ask({"updateUser": "ann", "mechanisms": ["SCRAM-SHA-1"]})["code"] == 2
    assert ask({"updateUser": "ann", "mechanisms": ["SCRAM-SHA-1"], "pwd": "x"})["ok"] == 1.0
    assert shown(ask)[0]["mechanisms"] == ["SCRAM-SHA-1"]


def test_restrictions_can_be_taken_away(ask: Ask) -> None:
    ask({**ANN, "authenticationRestrictions": [{"clientSource": ["10.0.0.0/8"]}]})
    assert ask({"updateUser": "ann", "authenticationRestrictions": []})["ok"] == 1.0
    assert shown(ask, showAuthenticationRestrictions=True)[0]["authenticationRestrictions"] == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"updateUser": "ann"}, 2),
        ({"updateUser": "ann", "digestPassword": True}, 2),
        ({"updateUser": "nobody", "customData": {}}, 11),
        ({"updateUser": "nobody", "pwd": "x"}, 11),
        ({"updateUser": "ann", "roles": ["noSuchRole"]}, 31),
        ({"updateUser": "ann", "pwd": ""}, 2),
        ({"updateUser": 1, "pwd": "x"}, 14),
        ({"dropUser": "nobody"}, 11),
        ({"dropUser": {"user": "ann", "db": "shop"}}, 14),
        ({"grantRolesToUser": "nobody", "roles": ["read"]}, 11),
        ({"grantRolesToUser": "ann", "roles": []}, 2),
        ({"grantRolesToUser": "ann", "roles": ["noSuchRole"]}, 31),
        ({"grantRolesToUser": "ann"}, 40414),
        ({"revokeRolesFromUser": "nobody", "roles": ["read"]}, 11),
        ({"revokeRolesFromUser": "ann", "roles": []}, 2),
        ({"dropAllUsersFromDatabase": 1, "more": 1}, 40415),
    ],
    ids=str,
)
def test_what_the_others_refuse(ask: Ask, command: Document, code: int) -> None:
    ask(ANN)
    before = shown(ask, showCredentials=True)
    assert ask(command)["code"] == code
    assert shown(ask, showCredentials=True) == before


def test_roles_come_and_go(ask: Ask) -> None:
    ask(ANN)
    more = ["readWrite", {"role": "read", "db": "shop"}, "readWrite"]
    assert ask({"grantRolesToUser": "ann", "roles": more}) == {"ok": 1.0}
    assert shown(ask)[0]["roles"] == [*ROLES, {"role": "readWrite", "db": "shop"}]
    assert ask({"revokeRolesFromUser": "ann", "roles": ["read", {"role": "read", "db": "store"}]}) == {"ok": 1.0}
    assert shown(ask)[0]["roles"] == [ROLES[1], {"role": "readWrite", "db": "shop"}]


def test_dropping(ask: Ask) -> None:
    for database in ("shop", "store"):
        for name in ("ann", "bob", "eve"):
            ask({**ANN, "createUser": name, "roles": []}, database)
    assert ask({"dropUser": "bob"}) == {"ok": 1.0}
    assert ask({"dropAllUsersFromDatabase": 1}) == {"n": 2, "ok": 1.0}
    assert ask({"dropAllUsersFromDatabase": 1}) == {"n": 0, "ok": 1.0}
    assert [user["_id"] for user in shown(ask, {"forAllDBs": True})] == ["store.ann", "store.bob", "store.eve"]


def test_write_concern_and_comment_are_taken(ask: Ask) -> None:
    concern = {"writeConcern": {"w": "majority", "wtimeout": 5000}, "comment": "first"}
    assert ask({**ANN, **concern}) == {"ok": 1.0}
    assert ask({"dropUser": "ann", **concern}) == {"ok": 1.0}


def test_users_are_there_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    for number in range(2):
        instance = Instance.open(path)
        try:
            found = in_process(instance, {"usersInfo": "ann"}, "shop")["users"]
            assert len(found) == number
            in_process(instance, ANN, "shop")
        finally:
            instance.close()


def test_a_document_that_somebody_else_has_written_is_nobody(ask: Ask, instance: Instance) -> None:
    ask(ANN)
    for number, document in enumerate(({"_id": "shop.bob"}, {"_id": "shop.eve", "user": "eve", "db": "shop"})):
        assert ask({"insert": "system.users", "documents": [document]}, "admin")["n"] == 1, number
    assert [user["_id"] for user in shown(ask, 1)] == ["shop.ann"]
    for command in ({"updateUser": "bob", "customData": {}}, {"grantRolesToUser": "eve", "roles": ["read"]}):
        assert ask(command)["code"] == 12
    assert nobody(instance).ask({"hello": 1, "saslSupportedMechs": "shop.bob"})["ok"] == 1.0
    assert ask({"dropUser": "bob"}) == {"ok": 1.0}


# Secrets


def test_no_secret_is_shown_where_operations_are(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither passwords nor messages of conversations: in currentOp, and in whatever else shows what runs."""
    seen: list[Operation] = []
    running = instance.operations.running

    @contextmanager
    def watched(*arguments: Any, **named: Any) -> Iterator[Operation]:
        with running(*arguments, **named) as operation:
            seen.append(operation)
            yield operation

    monkeypatch.setattr(instance.operations, "running", watched)
    start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": Binary(b"TOP-SECRET"), "db": "admin"}
    client = nobody(instance)
    client.ask(start, "admin")
    client.ask({"hello": 1, "speculativeAuthenticate": start}, "admin")
    client.ask({"saslContinue": 1, "conversationId": 1, "payload": Binary(b"TOP-SECRET")}, "admin")
    in_process(instance, {"createUser": "ann", "pwd": "TOP-SECRET", "roles": []})
    in_process(instance, {"updateUser": "ann", "pwd": "TOP-SECRET"})
    assert [each.name for each in seen] == ["saslStart", "hello", "saslContinue", "createUser", "updateUser"]
    assert "TOP-SECRET" not in str([dict(operation.command) for operation in seen])
    assert all("xxx" in str(operation.command) for operation in seen)


@pytest.mark.parametrize("change", [{"mechanisms": ["x"]}, {"roles": ["none"]}, {"more": 1}, {"pwd": "TOP-SECRET\x07"}])
def test_no_error_shows_a_password(ask: Ask, change: Document) -> None:
    reply = ask({**ANN, "pwd": "TOP-SECRET", **change})
    assert reply["ok"] == 0.0
    assert "TOP-SECRET" not in str(reply)


# Where users come from, and the first of them


@pytest.mark.parametrize(
    ("restrictions", "address", "is_met"),
    [
        ([], "1.2.3.4:5", True),
        ([{"clientSource": ["127.0.0.1"]}], "127.0.0.1:50123", True),
        ([{"clientSource": ["127.0.0.2"]}], "127.0.0.1:50123", False),
        ([{"clientSource": ["10.0.0.0/8", "127.0.0.0/8"]}], "127.0.0.1:50123", True),
        ([{"clientSource": ["10.0.0.0/8"]}, {"clientSource": ["127.0.0.1"]}], "127.0.0.1:50123", True),
        ([{"clientSource": ["127.0.0.1"], "serverAddress": ["127.0.0.1"]}], "127.0.0.1:50123", True),
        ([{"clientSource": ["127.0.0.1"], "serverAddress": ["10.0.0.1"]}], "127.0.0.1:50123", False),
        ([{"clientSource": ["127.0.0.1"]}], "[::ffff:127.0.0.1]:50123", True),
        ([{"clientSource": ["fe80::/10"]}], "[fe80::1%eth0]:50123", True),
        ([{"clientSource": ["127.0.0.1"]}], "/tmp/amongo.sock", False),
        ([{"clientSource": []}], "127.0.0.1:50123", False),
    ],
)
def test_where_a_user_may_come_from(
    instance: Instance, restrictions: list[Document], address: str, is_met: bool
) -> None:
    from test_scram_conversations import FAILED, log_in, who

    in_process(instance, {**ANN, "roles": [], "authenticationRestrictions": restrictions})
    client = nobody(instance, address=address)
    reply = log_in(client, "SCRAM-SHA-256", "ann", "pencil")
    assert (reply == FAILED) is not is_met
    assert bool(who(client)) is is_met


def test_restrictions_of_roles_are_to_be_met_as_well(instance: Instance) -> None:
    from test_scram_conversations import FAILED, log_in

    role = {"createRole": "remote", "privileges": [], "roles": []}
    role |= {"authenticationRestrictions": [{"clientSource": ["10.0.0.0/8"]}]}
    assert in_process(instance, role)["ok"] == 1.0
    assert in_process(instance, {**ANN, "roles": [{"role": "remote", "db": "admin"}]})["ok"] == 1.0
    assert log_in(nobody(instance), "SCRAM-SHA-256", "ann", "pencil") == FAILED
    assert log_in(nobody(instance, address="10.1.2.3:50123"), "SCRAM-SHA-256", "ann", "pencil")["done"]


def test_restrictions_of_today_hold_for_who_is_connected(instance: Instance) -> None:
    client = somebody(instance, "root", name="ann")
    assert client.code({"find": "fruit"}) == 0
    in_process(instance, {"updateUser": "ann", "authenticationRestrictions": [{"clientSource": ["10.0.0.1"]}]})
    assert client.code({"find": "fruit"}) == 13


def test_the_first_user_is_made_from_this_machine(instance: Instance) -> None:
    local, remote = nobody(instance), nobody(instance, address="10.0.0.1:50123")
    remote.peer.is_loopback = False
    first = {"createUser": "ann", "pwd": "pencil", "roles": ["root"]}
    assert remote.ask(first, "admin")["code"] == 13
    assert local.ask(first, "shop")["code"] == 13, "but of admin alone"
    assert local.code({"find": "fruit"}) == 13
    assert local.ask(first, "admin")["ok"] == 1.0
    assert local.ask({**first, "createUser": "bob"}, "admin")["code"] == 13
    in_process(instance, {"dropUser": "ann"})
    assert local.ask(first, "admin")["code"] == 13, "not again before the store is opened anew"
