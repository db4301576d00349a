"""What an instance knows of access: its users and roles, and who of the users a client is."""

from __future__ import annotations

import hmac
import os
from typing import Final

from amongo.commands.access.restrictions import are_met
from amongo.commands.access.roles import ROLES, Roles
from amongo.commands.access.users import USERS, User, Users
from amongo.commands.peer import Peer
from amongo.engine.store import Store
from amongo.errors import ServerError

_PURPOSE: Final = b"users that are not there"


class Access:
    """The access to an instance.

    users   of its store
    roles   that somebody has made there, and those that are built in
    """

    def __init__(self, store: Store) -> None:
        self.users = Users(store)
        self.roles = Roles(store)
        self._store = store
        self._drawn = os.urandom(32)
        self._has_begun = False

    def users_of(self, peer: Peer) -> tuple[User, ...]:
        """The users that a client is, as they are now: without those that were dropped since, dropped and made anew, or
        that may no longer come from where the client is. Each is the very same object while its document is the same.
        """
        found = []
        for each in peer.users:
            try:
                user = self.users.named(each.name)
            except ServerError:  # its document is none: nobody is this user any more
                continue
            is_same = user is not None and user.user_id == each.user_id
            if user is not None and is_same and (not user.restrictions or are_met(user.restrictions, peer)):
                found.append(user)
        return tuple(found)

    def may_come(self, user: User, peer: Peer) -> bool:
        """Whether a user, with the roles that it has, may be where a client is: asked when it says who it is."""
        return are_met(user.restrictions, peer) and all(
            are_met(restrictions, peer) for restrictions in self.roles.restrictions(user.roles)
        )

    def is_beginning(self, peer: Peer) -> bool:
        """Whether a client may make the first user without being one: it sits on this very machine, and there has been
        neither user nor role since the store was opened. Source: manual, Localhost Exception."""
        if not self._has_begun:
            catalog = self._store.catalog.by_namespace
            found = (catalog.get(namespace) for namespace in (USERS, ROLES))
            self._has_begun = any(each is not None and each.count for each in found)
        return peer.is_loopback and not self._has_begun

    def secret(self) -> bytes:
        """What the answers about users that are not there are made of. It outlives the instance where there are users,
        so that theirs and the others change alike: never."""
        collection = self._store.catalog.by_namespace.get(USERS)
        return self._drawn if collection is None else hmac.digest(collection.uuid, _PURPOSE, "sha256")
