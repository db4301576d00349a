"""What clients may do, see and end: whose cursors, sessions and operations are, and that changes hold at once."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary, Int64
from peers import Client, in_process, nobody, somebody

from amongo.commands.instance import Instance
from amongo.runtime.interrupts import Interrupt, OperationInterrupted

UNAUTHORIZED = 13
READ_SHOP = {"role": "read", "db": "shop"}
FIND_FRUIT = {"resource": {"db": "shop", "collection": "fruit"}, "actions": ["find"]}


@pytest.fixture(autouse=True)
def stored(instance: Instance) -> None:
    for database in ("shop", "other"):
        documents = [{"_id": number} for number in range(5)]
        in_process(instance, {"insert": "fruit", "documents": documents}, database)
    in_process(instance, {"insert": "secret", "documents": [{"_id": 1}]}, "shop")


def clerk(instance: Instance, **role: Any) -> Client:
    """Somebody with a role of its own, `clerk`."""
    made = {"createRole": "clerk", "privileges": [FIND_FRUIT], "roles": [], **role}
    assert in_process(instance, made, "shop")["ok"] == 1.0
    return somebody(instance, {"role": "clerk", "db": "shop"})


# Roles change


def test_a_privilege_holds_from_when_it_is_granted_until_it_is_revoked(instance: Instance) -> None:
    client = clerk(instance)
    assert client.code({"find": "fruit"}) == 0
    assert client.code({"find": "secret"}) == UNAUTHORIZED
    secret = {"resource": {"db": "shop", "collection": "secret"}, "actions": ["find"]}
    in_process(instance, {"grantPrivilegesToRole": "clerk", "privileges": [secret]}, "shop")
    assert client.code({"find": "secret"}) == 0
    in_process(instance, {"revokePrivilegesFromRole": "clerk", "privileges": [secret, FIND_FRUIT]}, "shop")
    assert client.code({"find": "secret"}) == client.code({"find": "fruit"}) == UNAUTHORIZED


def test_a_role_far_down_counts_as_well(instance: Instance) -> None:
    in_process(instance, {"createRole": "lowest", "privileges": [FIND_FRUIT], "roles": []}, "shop")
    in_process(instance, {"createRole": "middle", "privileges": [], "roles": ["lowest"]}, "shop")
    client = clerk(instance, privileges=[], roles=["middle"])
    assert client.code({"find": "fruit"}) == 0
    in_process(instance, {"updateRole": "lowest", "privileges": []}, "shop")
    assert client.code({"find": "fruit"}) == UNAUTHORIZED


def test_a_role_that_is_dropped_and_made_anew_is_another(instance: Instance) -> None:
    client = clerk(instance)
    assert client.code({"find": "fruit"}) == 0
    in_process(instance, {"dropRole": "clerk"}, "shop")
    assert client.code({"find": "fruit"}) == UNAUTHORIZED
    in_process(instance, {"createRole": "clerk", "privileges": [FIND_FRUIT], "roles": []}, "shop")
    assert client.code({"find": "fruit"}) == UNAUTHORIZED


def test_roles_of_a_user_hold_at_once(instance: Instance) -> None:
    client = somebody(instance, READ_SHOP, name="ann")
    assert client.code({"find": "fruit"}) == 0
    in_process(instance, {"revokeRolesFromUser": "ann", "roles": [READ_SHOP]})
    assert client.code({"find": "fruit"}) == UNAUTHORIZED
    in_process(instance, {"grantRolesToUser": "ann", "roles": [READ_SHOP]})
    assert client.code({"find": "fruit"}) == 0


def test_a_user_that_is_dropped_is_nobody(instance: Instance) -> None:
    client = somebody(instance, READ_SHOP, name="ann")
    assert client.code({"find": "fruit"}) == 0
    in_process(instance, {"dropUser": "ann"})
    assert client.ask({"find": "fruit"})["errmsg"] == "Command find requires authentication"


def test_roles_that_are_written_by_hand_hold_as_well(instance: Instance) -> None:
    client = clerk(instance)
    assert client.code({"find": "fruit"}) == 0
    gone = {"update": "system.roles", "updates": [{"q": {"_id": "shop.clerk"}, "u": {"$set": {"privileges": []}}}]}
    assert in_process(instance, gone)["n"] == 1
    assert client.code({"find": "fruit"}) == UNAUTHORIZED


# What is told


def test_a_refusal_names_the_command_without_its_secrets(instance: Instance) -> None:
    reply = somebody(instance, READ_SHOP).ask({"createUser": "bob", "pwd": "hush", "roles": []})
    assert reply["codeName"] == "Unauthorized"
    assert reply["errmsg"] == ('not authorized on shop to execute command { createUser: "bob", pwd: "xxx", roles: [] }')


def test_a_refusal_does_not_repeat_what_was_to_be_inserted(instance: Instance) -> None:
    reply = somebody(instance, READ_SHOP).ask({"insert": "fruit", "documents": [{"a": "x" * 1000}] * 1000})
    assert reply["errmsg"] == 'not authorized on shop to execute command { insert: "fruit" }'


def test_a_refusal_of_a_long_command_is_short(instance: Instance) -> None:
    filter = {"a": {"$in": list(range(500_000))}, "b": "x" * 1_000_000}
    reply = somebody(instance, READ_SHOP).ask({"count": "fruit", "query": filter}, "other")
    assert reply["errmsg"].startswith('not authorized on other to execute command { count: "fruit", query: { a: {')
    assert len(reply["errmsg"]) < 20_000


def test_without_authentication_everybody_may_do_everything(instance: Instance) -> None:
    client = nobody(instance)
    client.peer.requires_auth = False
    assert client.code({"find": "fruit"}) == client.code({"dropDatabase": 1}) == 0


# The localhost exception


def test_the_first_user_is_made_by_nobody(instance: Instance) -> None:
    client = nobody(instance)
    first = {"createUser": "ann", "pwd": "x", "roles": ["root"], "mechanisms": ["SCRAM-SHA-256"]}
    assert client.code({"find": "fruit"}) == UNAUTHORIZED
    assert client.code(first, "shop") == UNAUTHORIZED
    assert client.code(first, "admin") == 0
    assert client.code({**first, "createUser": "bob"}, "admin") == UNAUTHORIZED
    client.log_in("ann")
    assert client.code({"find": "fruit"}) == 0


def test_nothing_else_is_done_by_nobody(instance: Instance) -> None:
    client = nobody(instance)
    made = {"aggregate": 1, "pipeline": [{"$documents": [{"a": 1}]}], "cursor": {}}
    for command in (made, {"listDatabases": 1}, {"currentOp": 1, "$ownOps": True}, {"startSession": 1}):
        assert client.code(command, "admin") == UNAUTHORIZED
    assert len(instance.sessions) == 0


def test_the_first_user_is_made_on_this_machine_alone(instance: Instance) -> None:
    client = nobody(instance)
    client.peer.is_loopback = False
    first = {"createUser": "ann", "pwd": "x", "roles": ["root"], "mechanisms": ["SCRAM-SHA-256"]}
    assert client.code(first, "admin") == UNAUTHORIZED


# What is shown


def names(reply: dict[str, Any]) -> list[str]:
    return [each["name"] for each in reply.get("databases") or reply["cursor"]["firstBatch"]]


def test_databases_are_shown_to_those_who_may_do_something_there(instance: Instance) -> None:
    reader = somebody(instance, READ_SHOP)
    assert names(reader.ask({"listDatabases": 1}, "admin")) == ["shop"]
    assert names(reader.ask({"listDatabases": 1, "authorizedDatabases": True, "nameOnly": True}, "admin")) == ["shop"]
    assert reader.code({"listDatabases": 1, "authorizedDatabases": False}, "admin") == UNAUTHORIZED
    monitor = somebody(instance, "clusterMonitor")
    assert names(monitor.ask({"listDatabases": 1}, "admin")) == ["admin", "config", "local", "other", "shop"]
    some = somebody(instance, READ_SHOP, "userAdminAnyDatabase")
    assert "other" in names(some.ask({"listDatabases": 1, "authorizedDatabases": True}, "admin"))


def test_a_database_is_shown_for_one_collection_in_it(instance: Instance) -> None:
    assert names(clerk(instance).ask({"listDatabases": 1}, "admin")) == ["shop"]


def test_collections_are_shown_to_those_who_may_do_something_with_them(instance: Instance) -> None:
    client = clerk(instance)
    assert client.code({"listCollections": 1}) == UNAUTHORIZED
    assert client.code({"listCollections": 1, "nameOnly": True}) == UNAUTHORIZED
    own = {"listCollections": 1, "nameOnly": True, "authorizedCollections": True}
    assert client.ask(own)["cursor"]["firstBatch"] == [{"name": "fruit", "type": "collection"}]
    assert client.code(own, "other") == UNAUTHORIZED
    reader = somebody(instance, READ_SHOP)
    assert sorted(names(reader.ask({"listCollections": 1}))) == ["fruit", "secret"]


def test_a_view_is_read_by_those_who_may_read_the_view_alone(instance: Instance) -> None:
    in_process(instance, {"create": "shown", "viewOn": "secret", "pipeline": []}, "shop")
    shown = {"resource": {"db": "shop", "collection": "shown"}, "actions": ["find"]}
    client = clerk(instance, privileges=[shown])
    assert client.ask({"find": "shown"})["cursor"]["firstBatch"] == [{"_id": 1}]
    assert client.ask({"aggregate": "shown", "pipeline": [], "cursor": {}})["cursor"]["firstBatch"] == [{"_id": 1}]
    assert client.code({"find": "secret"}) == UNAUTHORIZED


def test_a_view_is_not_made_to_read_what_one_may_not(instance: Instance) -> None:
    may = {"resource": {"db": "shop", "collection": "shown"}, "actions": ["createCollection", "find"]}
    client = clerk(instance, privileges=[may, FIND_FRUIT])
    assert client.code({"create": "shown", "viewOn": "secret", "pipeline": []}) == UNAUTHORIZED
    lookup = [{"$lookup": {"from": "secret", "pipeline": [], "as": "x"}}]
    assert client.code({"create": "shown", "viewOn": "fruit", "pipeline": lookup}) == UNAUTHORIZED
    assert client.code({"create": "shown", "viewOn": "fruit", "pipeline": []}) == 0


# Cursors


def opened(client: Client, collection: str = "fruit") -> int:
    return int(client.ask({"find": collection, "batchSize": 1})["cursor"]["id"])


def test_a_cursor_is_read_by_its_user_alone(instance: Instance) -> None:
    ann, root = somebody(instance, READ_SHOP, name="ann"), somebody(instance, "root")
    more = {"getMore": Int64(opened(ann)), "collection": "fruit", "batchSize": 1}
    assert root.code(more) == UNAUTHORIZED
    assert ann.ask(more)["cursor"]["nextBatch"] == [{"_id": 1}]
    again = nobody(instance)  # the same user on another connection
    again.log_in("ann")
    assert again.ask(more)["cursor"]["nextBatch"] == [{"_id": 2}]


def test_a_cursor_gives_nothing_more_to_one_who_may_no_longer_read(instance: Instance) -> None:
    client = clerk(instance)
    more = {"getMore": Int64(opened(client)), "collection": "fruit"}
    in_process(instance, {"updateRole": "clerk", "privileges": []}, "shop")
    assert client.code(more) == UNAUTHORIZED


def test_a_cursor_is_ended_by_its_user_and_by_those_who_may_end_any(instance: Instance) -> None:
    ann, bob = somebody(instance, READ_SHOP), somebody(instance, READ_SHOP)
    first, second = opened(ann), opened(ann)
    ends = {"killCursors": "fruit", "cursors": [Int64(first)]}
    assert bob.code(ends) == UNAUTHORIZED
    assert ann.ask(ends)["cursorsKilled"] == [first]
    host = somebody(instance, "hostManager")
    assert host.ask({"killCursors": "fruit", "cursors": [Int64(second)]})["cursorsKilled"] == [second]


@pytest.mark.parametrize(
    "command",
    [{"listCollections": 1, "cursor": {"batchSize": 1}}, {"listIndexes": "fruit", "cursor": {"batchSize": 0}}],
)
def test_cursors_of_other_commands_have_their_users_too(instance: Instance, command: dict[str, Any]) -> None:
    ann = somebody(instance, READ_SHOP)
    cursor = ann.ask(command)["cursor"]
    more = {"getMore": Int64(cursor["id"]), "collection": cursor["ns"].partition(".")[2]}
    assert cursor["id"]
    assert somebody(instance, READ_SHOP).code(more) == UNAUTHORIZED
    assert ann.code(more) == 0


# Sessions and operations

SESSION = {"id": Binary(b"a" * 16, 4)}


def begun(client: Client, database: str = "shop") -> int:
    """Insert in a transaction of the session above; the error's number."""
    inserting = {"insert": "fruit", "documents": [{"_id": 9}], "startTransaction": True, "autocommit": False}
    return client.code({**inserting, "lsid": SESSION, "txnNumber": Int64(1)}, database)


COMMIT = {"commitTransaction": 1, "lsid": SESSION, "txnNumber": Int64(1), "autocommit": False}
READ_WRITE = {"role": "readWrite", "db": "shop"}


def test_a_session_is_that_of_its_user(instance: Instance) -> None:
    ann, bob = somebody(instance, READ_WRITE), somebody(instance, READ_WRITE)
    assert begun(ann) == 0
    assert bob.code(COMMIT, "admin") == 251  # of the same id, and another's
    assert bob.code({"killSessions": [SESSION]}) == bob.code({"endSessions": [SESSION]}) == 0
    assert ann.code(COMMIT, "admin") == 0
    found = in_process(instance, {"find": "fruit", "filter": {"_id": 9}}, "shop")
    assert len(found["cursor"]["firstBatch"]) == 1


def test_retryable_writes_of_two_users_do_not_meet(instance: Instance) -> None:
    ann, bob = somebody(instance, READ_WRITE), somebody(instance, READ_WRITE)
    writing = {"insert": "fruit", "lsid": SESSION, "txnNumber": Int64(1)}
    assert ann.ask({**writing, "documents": [{"_id": 20}]})["n"] == 1
    assert bob.ask({**writing, "documents": [{"_id": 21}]})["n"] == 1
    assert ann.ask({**writing, "documents": [{"_id": 20}]})["n"] == 1  # a retry
    found = in_process(instance, {"count": "fruit", "query": {"_id": {"$gte": 20}}}, "shop")
    assert found["n"] == 2


def test_sessions_are_shown_to_their_users(instance: Instance) -> None:
    ann, bob = somebody(instance, READ_SHOP, name="ann"), somebody(instance, "clusterMonitor")
    ann.ask({"find": "fruit", "lsid": SESSION})

    def seen(client: Client, **spec: Any) -> list[bytes]:
        listing = {"aggregate": 1, "pipeline": [{"$listLocalSessions": spec}], "cursor": {}}
        return [bytes(each["_id"]["id"]) for each in client.ask(listing, "admin")["cursor"]["firstBatch"]]

    assert seen(ann) == [b"a" * 16]
    assert seen(bob) == []
    assert seen(bob, allUsers=True) == [b"a" * 16]
    assert seen(bob, users=[{"user": "ann", "db": "admin"}]) == [b"a" * 16]


def test_sessions_of_another_are_ended_by_those_who_may_end_any(instance: Instance) -> None:
    ann, host = somebody(instance, READ_WRITE, name="ann"), somebody(instance, "hostManager")
    assert begun(ann) == 0
    (shown,) = [each.document()["_id"] for each in instance.sessions.all()]
    assert somebody(instance, READ_WRITE).code({"killSessions": [shown]}) == UNAUTHORIZED
    assert host.code({"killSessions": [shown]}) == 0
    assert ann.code(COMMIT, "admin") == 251


def test_operations_are_seen_and_ended_by_their_users(instance: Instance) -> None:
    ann, bob = somebody(instance, READ_SHOP), somebody(instance, READ_SHOP)
    host, monitor = somebody(instance, "hostManager"), somebody(instance, "clusterMonitor")
    interrupt = Interrupt()
    with instance.operations.running("shop.fruit", {"find": "fruit"}, interrupt, None, ann.peer) as operation:
        number = operation.operation_id

        def seen(client: Client, command: dict[str, Any]) -> bool:
            reply = client.ask(command, "admin")
            shown = reply["inprog"] if "inprog" in reply else reply["cursor"]["firstBatch"]
            return number in [each["opid"] for each in shown]

        stage = {"aggregate": 1, "pipeline": [{"$currentOp": {}}], "cursor": {}}
        every = {"aggregate": 1, "pipeline": [{"$currentOp": {"allUsers": True}}], "cursor": {}}
        for own in ({"currentOp": 1, "$ownOps": True}, stage):
            assert seen(ann, own)
            assert not seen(bob, own)
        assert bob.code({"currentOp": 1}, "admin") == bob.code(every, "admin") == UNAUTHORIZED
        assert seen(monitor, {"currentOp": 1})
        assert seen(monitor, every)
        assert bob.code({"killOp": 1, "op": number}, "admin") == UNAUTHORIZED
        interrupt.check()
        assert ann.code({"killOp": 1, "op": number}, "admin") == 0
        with pytest.raises(OperationInterrupted):
            interrupt.check()
    assert host.code({"killOp": 1, "op": number}, "admin") == 0


# What one may do with one's own user


def test_users_change_their_own_password_if_they_may(instance: Instance) -> None:
    change = {"updateUser": "ann", "pwd": "new", "mechanisms": ["SCRAM-SHA-256"]}
    own = {"resource": {"db": "admin", "collection": ""}, "actions": ["changeOwnPassword"]}
    in_process(instance, {"createRole": "own", "privileges": [own], "roles": []})
    ann, bob = somebody(instance, "own", name="ann"), somebody(instance, "own")
    assert bob.code(change, "admin") == UNAUTHORIZED
    assert ann.code({"updateUser": "ann", "customData": {}}, "admin") == UNAUTHORIZED
    assert ann.code(change, "admin") == 0


def test_users_look_at_themselves(instance: Instance) -> None:
    ann = somebody(instance, READ_SHOP, name="ann")
    (shown,) = ann.ask({"usersInfo": "ann", "showPrivileges": True}, "admin")["users"]
    assert shown["inheritedRoles"] == [READ_SHOP]
    assert {"db": "shop", "collection": ""} in [each["resource"] for each in shown["inheritedPrivileges"]]
    assert ann.code({"usersInfo": ["ann", "bob"]}, "admin") == UNAUTHORIZED
    assert ann.code({"rolesInfo": READ_SHOP}, "admin") == 0
    assert ann.code({"rolesInfo": {"role": "readWrite", "db": "shop"}}, "admin") == UNAUTHORIZED


def test_a_client_may_do_no_more_for_having_asked_before(instance: Instance) -> None:
    """What was allowed on one collection or database says nothing of others."""
    client = clerk(instance)
    for _ in range(2):
        assert client.code({"find": "fruit"}) == client.code({"count": "fruit"}) == 0
        assert client.code({"delete": "fruit", "deletes": [{"q": {}, "limit": 0}]}) == UNAUTHORIZED
        assert client.code({"find": "fruit"}, "other") == client.code({"find": "secret"}) == UNAUTHORIZED


def test_who_restores_writes_while_others_may_not(instance: Instance) -> None:
    writer, restorer = somebody(instance, READ_WRITE), somebody(instance, "restore")
    writing = {"insert": "fruit", "documents": [{}]}
    in_process(instance, {"setUserWriteBlockMode": 1, "global": True})
    assert [each["code"] for each in writer.ask(writing)["writeErrors"]] == [371]
    assert restorer.ask(writing)["n"] == 1
    assert writer.ask(writing)["n"] == 0
    in_process(instance, {"setUserWriteBlockMode": 1, "global": False})
    assert writer.ask(writing)["n"] == 1
