"""How it is written down what a command needs: a rule for each command.

A rule is one of these: anybody may run the command; everybody who is somebody may; certain actions are needed on the
collection that the command names, on its database or on the cluster; a function of the command's document says which
actions on which resources are needed; or a function decides, where there is more than one way to be allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.access.actions import ANY_ACTION, actions
from amongo.commands.access.authority import Authority
from amongo.commands.access.privileges import (
    ANY_RESOURCE,
    CLUSTER,
    Resource,
    collection_resource,
    database_resource,
)

if TYPE_CHECKING:
    from amongo.commands.instance import Instance
    from amongo.commands.peer import Peer

Need = tuple[frozenset[str], Resource]
"""Actions, and what they are done to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command of which is asked whether a client may run it. Its document has been parsed: its fields have the types
    that they must have.

    authority   what the client may do
    database    where it is to run
    name        of the command
    document    of the command
    """

    instance: Instance
    peer: Peer
    authority: Authority
    database: str
    name: str
    document: Mapping[str, Any]

    def may(self, wanted: str, resource: Resource) -> bool:
        """Whether actions, named with spaces between them, are permitted on a resource."""
        return self.authority.may(frozenset(wanted.split()), resource)

    @property
    def target(self) -> Resource:
        """The collection that the command names first; its database where it names none."""
        return _named(self.database, self.document)

    def with_document(self, document: Mapping[str, Any]) -> Asked:
        """The same about another command, on the same database."""
        return Asked(self.instance, self.peer, self.authority, self.database, next(iter(document), ""), document)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a command needs.

    place      "nowhere" for everybody who is somebody, "collection", "database", "cluster"
    actions    that are needed there
    needs      says what else is needed; None for nothing
    decides    says whether the client may; None for by what is needed alone
    is_open    anybody may, who need be nobody
    """

    place: str = "nowhere"
    actions: frozenset[str] = frozenset()
    needs: Callable[[Asked], Iterable[Need]] | None = None
    decides: Callable[[Asked], bool] | None = None
    is_open: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the answer depends on what the command names first alone."""
        return self.needs is None and self.decides is None

    def all_needs(self, asked: Asked) -> Iterable[Need]:
        """All that is needed, but for what `decides` looks at."""
        if self.actions:
            yield self.actions, self.resource(asked.database, asked.document)
        if self.needs is not None:
            yield from self.needs(asked)

    def resource(self, database: str, document: Mapping[str, Any]) -> Resource:
        """What its actions are done to."""
        if self.place == "cluster":
            return CLUSTER
        return database_resource(database) if self.place == "database" else _named(database, document)

    def allows(self, asked: Asked) -> bool:
        """Whether the client may run the command."""
        if not asked.authority.may_all(self.all_needs(asked)):
            return False
        return self.decides is None or self.decides(asked)


ANYBODY: Final = Rule(is_open=True)
"""Clients that are nobody as well."""

SOMEBODY: Final = Rule()
"""Every client that has said who it is."""


def _everything(asked: Asked) -> Iterable[Need]:
    yield frozenset({ANY_ACTION}), ANY_RESOURCE


INTERNAL: Final = Rule(needs=_everything)
"""Those alone who may do anything to anything: what is written down of no command."""


def on_collection(names: str) -> Rule:
    """These actions on the collection that the command names first."""
    return Rule("collection", actions(names))


def on_database(names: str) -> Rule:
    """These actions on the database where the command runs."""
    return Rule("database", actions(names))


def on_cluster(names: str) -> Rule:
    """These actions on the cluster."""
    return Rule("cluster", actions(names))


def needing(needs: Callable[[Asked], Iterable[Need]]) -> Rule:
    """What a function says."""
    return Rule(needs=needs)


def deciding(decides: Callable[[Asked], bool]) -> Rule:
    """If a function says so."""
    return Rule(decides=decides)


def _named(database: str, document: Mapping[str, Any]) -> Resource:
    """The collection that a document names in its first field; its database where that is no name."""
    value = next(iter(document.values()), None)
    return collection_resource(database, value) if type(value) is str else database_resource(database)
