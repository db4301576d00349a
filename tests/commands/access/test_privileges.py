"""Which resource stands for which: the examples of the manual's page "Resource Document", and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.commands.access.actions import actions
from amongo.commands.access.privileges import (
    ANY_RESOURCE,
    CLUSTER,
    NORMAL,
    Privilege,
    Resource,
    collection_resource,
    database_resource,
    granted,
    is_permitted,
    joined,
    parse_privilege,
    without,
)
from amongo.errors import ServerError

FIND = actions("find")

# What was granted find, what is asked, whether it is permitted.
CASES: dict[str, tuple[Resource, Resource, bool]] = {
    "a collection is itself": (collection_resource("a", "c"), collection_resource("a", "c"), True),
    "a collection is no other": (collection_resource("a", "c"), collection_resource("a", "d"), False),
    "a collection is none of another database": (collection_resource("a", "c"), collection_resource("b", "c"), False),
    "a collection is not its database": (collection_resource("a", "c"), database_resource("a"), False),
    "a database is its collections": (database_resource("a"), collection_resource("a", "c"), True),
    "a database is not its system collections": (database_resource("a"), collection_resource("a", "system.js"), False),
    "a database is itself": (database_resource("a"), database_resource("a"), True),
    "a database is no other": (database_resource("a"), collection_resource("b", "c"), False),
    "local is its collections": (database_resource("local"), collection_resource("local", "oplog.rs"), True),
    "local is not its replset": (database_resource("local"), collection_resource("local", "replset.minvalid"), False),
    "a name is in all databases": (collection_resource("", "c"), collection_resource("a", "c"), True),
    "a name is in config too": (collection_resource("", "c"), collection_resource("config", "c"), True),
    "a system name is in all databases": (
        collection_resource("", "system.js"),
        collection_resource("a", "system.js"),
        True,
    ),
    "a name is no other": (collection_resource("", "c"), collection_resource("a", "d"), False),
    "all are each": (NORMAL, collection_resource("a", "c"), True),
    "all are each database": (NORMAL, database_resource("a"), True),
    "all are not the system's": (NORMAL, collection_resource("a", "system.users"), False),
    "all are not those of local": (NORMAL, collection_resource("local", "c"), False),
    "all are not those of config": (NORMAL, collection_resource("config", "c"), False),
    "all are not config": (NORMAL, database_resource("config"), False),
    "all are not the cluster": (NORMAL, CLUSTER, False),
    "the cluster is itself": (CLUSTER, CLUSTER, True),
    "the cluster is no database": (CLUSTER, database_resource("a"), False),
    "anything is a collection": (ANY_RESOURCE, collection_resource("a", "c"), True),
    "anything is a system collection": (ANY_RESOURCE, collection_resource("local", "system.replset"), True),
    "anything is the cluster": (ANY_RESOURCE, CLUSTER, True),
    "buckets of a series": (
        Resource("system_buckets", "a", "s"),
        collection_resource("a", "system.buckets.s"),
        True,
    ),
    "buckets of a database": (Resource("system_buckets", "a"), collection_resource("a", "system.buckets.s"), True),
    "buckets of a name": (Resource("system_buckets", "", "s"), collection_resource("a", "system.buckets.s"), True),
    "buckets of all": (Resource("system_buckets"), collection_resource("a", "system.buckets.s"), True),
    "buckets are no series": (Resource("system_buckets", "a", "s"), collection_resource("a", "s"), False),
    "a database is not its buckets": (database_resource("a"), collection_resource("a", "system.buckets.s"), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_stands_for_what(case: str) -> None:
    pattern, asked, expected = CASES[case]
    assert is_permitted(granted([Privilege(pattern, FIND)]), FIND, asked) is expected


def test_actions_may_come_from_several_patterns() -> None:
    privileges = granted([Privilege(NORMAL, FIND), Privilege(database_resource("a"), actions("insert"))])
    assert is_permitted(privileges, actions("find insert"), collection_resource("a", "c"))
    assert not is_permitted(privileges, actions("find insert"), collection_resource("b", "c"))


def test_any_action_is_every_action_on_its_resource_alone() -> None:
    privileges = granted([Privilege(database_resource("a"), actions("anyAction"))])
    assert is_permitted(privileges, actions("find dropDatabase"), database_resource("a"))
    assert not is_permitted(privileges, FIND, database_resource("b"))


RESOURCES = st.one_of(
    st.sampled_from([CLUSTER, ANY_RESOURCE]),
    st.builds(
        Resource, st.just("collection"), st.sampled_from(["", "a", "local"]), st.sampled_from(["", "c", "system.x"])
    ),
    st.builds(Resource, st.just("system_buckets"), st.sampled_from(["", "a"]), st.sampled_from(["", "s"])),
)
PRIVILEGES = st.builds(
    Privilege, RESOURCES, st.sets(st.sampled_from(["find", "insert", "remove"]), min_size=1).map(frozenset)
)


def stands_for(pattern: Resource, asked: Resource) -> bool:
    """The manual's rules once more, as a predicate."""
    if pattern.kind == "anyResource" or pattern == asked:
        return True
    if "cluster" in (pattern.kind, asked.kind) or asked.kind == "anyResource" or not asked.database:
        return False
    name, is_system = asked.collection, asked.collection.startswith("system.")
    if pattern.kind == "system_buckets":
        of_database = pattern.database in ("", asked.database)
        prefix, _, series = name.partition("system.buckets.")
        return (
            asked.kind == "collection"
            and not prefix
            and bool(series)
            and of_database
            and pattern.collection in ("", series)
        )
    if asked.kind != "collection":
        return False
    if pattern.collection:
        return pattern.collection == name and pattern.database in ("", asked.database)
    if is_system:
        return False
    return pattern.database == asked.database or (not pattern.database and asked.database not in ("local", "config"))


ASKED = st.one_of(
    st.sampled_from([CLUSTER, ANY_RESOURCE, NORMAL]),
    st.builds(
        collection_resource,
        st.sampled_from(["a", "b", "local", "config"]),
        st.sampled_from(["", "c", "s", "system.x", "system.buckets.s", "system.buckets."]),
    ),
)


@given(st.lists(PRIVILEGES, max_size=4), ASKED, st.sampled_from(["find", "insert", "find insert"]))
def test_permission_is_what_the_rules_say(privileges: list[Privilege], asked: Resource, names: str) -> None:
    wanted = actions(names)
    found = {action for each in privileges if stands_for(each.resource, asked) for action in each.actions}
    assert is_permitted(granted(privileges), wanted, asked) is (wanted <= found)


@given(PRIVILEGES)
def test_a_privilege_is_read_as_it_is_written(privilege: Privilege) -> None:
    assert parse_privilege(privilege.document()) == privilege


@given(st.lists(PRIVILEGES), st.lists(PRIVILEGES))
def test_what_is_granted_and_revoked_is_as_if_it_had_never_been(
    first: list[Privilege], second: list[Privilege]
) -> None:
    left = granted(without(joined([*first, *second]), second))
    taken = granted(second)
    for resource, names in granted(first).items():
        assert left.get(resource, frozenset()) == names - taken.get(resource, frozenset())
    assert all(names for names in left.values())


REFUSED: dict[str, tuple[Any, int]] = {
    "no resource": ({"actions": ["find"]}, 40414),
    "no actions": ({"resource": {"cluster": True}}, 40414),
    "empty actions": ({"resource": {"cluster": True}, "actions": []}, 9),
    "an unknown action": ({"resource": {"cluster": True}, "actions": ["fly"]}, 9),
    "an action of another type": ({"resource": {"cluster": True}, "actions": [1]}, 14),
    "a database without a collection": ({"resource": {"db": "a"}, "actions": ["find"]}, 9),
    "a cluster that is none": ({"resource": {"cluster": False}, "actions": ["find"]}, 9),
    "two resources": ({"resource": {"cluster": True, "db": "a", "collection": "c"}, "actions": ["find"]}, 9),
    "an unknown field": ({"resource": {"server": True}, "actions": ["find"]}, 40415),
    "no document": ("find", 14),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_privilege(case: str) -> None:
    value, code = REFUSED[case]
    with pytest.raises(ServerError) as raised:
        parse_privilege(value)
    assert raised.value.code == code
