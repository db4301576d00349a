"""What is asked before a command of a client is run: is it somebody, and may it.

In process there is no client, and a server without authentication asks nobody: neither comes here. A client that is
nobody may say who it is, and little else. A client that is somebody may do what its roles permit (`needs` says what a
command needs, `Authority` what is permitted). Source: manual, Role-Based Access Control.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from amongo.commands.access.actions import actions
from amongo.commands.access.authority import BEGINNERS_COMMANDS, BEGINNING, Authority
from amongo.commands.access.needs import rule_of
from amongo.commands.access.owners import Owner
from amongo.commands.access.privileges import CLUSTER
from amongo.commands.access.rules import Asked
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.operations import without_secrets
from amongo.commands.parsed_command import ParsedCommand
from amongo.commands.peer import Peer
from amongo.commands.replies import BulkWriteReply
from amongo.commands.user_write_block import passing
from amongo.errors import roles as errors
from amongo.runtime.limits import REFUSED_COMMAND_CHARACTERS
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_PASSES_BLOCKS: Final = actions("bypassWriteBlockingMode")
_BROUGHT: Final = frozenset({"documents", "updates", "deletes", "ops", "nsInfo"})
"""Fields that come beside a command, as a rule."""
_TOLD_VALUES: Final = 1000


def refuse_nobody(instance: Instance, peer: Peer, command: Command) -> None:
    """Refuse a command before it is parsed, to a client that is nobody.

    errors   NOT_AUTHENTICATED
    """
    if peer.users or rule_of(command.name).is_open:
        return
    if command.name not in BEGINNERS_COMMANDS or not instance.access.is_beginning(peer):
        raise errors.NOT_AUTHENTICATED(name=command.name)


def refuse_unauthorized(
    instance: Instance, peer: Peer, command: Command, database: str, document: Mapping[str, Any]
) -> None:
    """Refuse a command, which has been parsed, to a client that may not run it.

    errors   NOT_AUTHENTICATED, NOT_AUTHORIZED; CURSOR_OF_ANOTHER, CURSOR_NOT_AUTHORIZED
    """
    rule = rule_of(command.name)
    if rule.is_open:
        return
    authority = authority_of(instance, peer)
    if not authority.users and command.name not in BEGINNERS_COMMANDS:
        raise errors.NOT_AUTHENTICATED(name=command.name)
    name, value = next(iter(document.items()))
    question = (command.name, database, value if type(value) is str else None)
    if rule.is_plain and question in authority.decisions:
        return
    if not rule.allows(Asked(instance, peer, authority, database, name, document)):
        if not authority.users:
            raise errors.NOT_AUTHENTICATED(name=command.name)
        raise errors.NOT_AUTHORIZED(database=database, command=_told(command, document))
    if rule.is_plain:
        authority.remember(question)


def authority_of(instance: Instance, peer: Peer) -> Authority:
    """What a client may do now; that of before, as long as users and roles are what they were."""
    access, store, kept = instance.access, instance.store, peer.authority
    sequence = store.last_sequence
    if kept is not None and kept.sequence == sequence and kept.logged_in is peer.users:
        return kept
    if store.is_busy:  # the last commit may not be seen yet
        sequence = -1
    users = access.users_of(peer)
    if not users:
        peer.authority = None
        return Authority((), (), BEGINNING if access.is_beginning(peer) else {})
    if kept is None or not kept.is_of(users, access.roles):
        peer.authority = kept = Authority.of(users, access.roles)
    kept.logged_in, kept.sequence = peer.users, sequence
    return kept


def client_authority(instance: Instance, context: Context) -> Authority | None:
    """What the client of an operation may do; None for anything: in process, and where nobody is asked who they are."""
    peer = context.peer
    return authority_of(instance, peer) if peer is not None and peer.requires_auth else None


def run_for(instance: Instance, peer: Peer, parsed: ParsedCommand, run: Callable[[], Any]) -> Any:
    """Run a command that a client may run: past a block of user writes, if it may do that too; a cursor that it opens
    is that of the client's users."""
    if instance.store.admission.refuse is not None and authority_of(instance, peer).may(_PASSES_BLOCKS, CLUSTER):
        with passing():
            answer = run()
    else:
        answer = run()
    own_cursor(instance, peer, parsed, answer)
    return answer


def own_cursor(instance: Instance, peer: Peer, parsed: ParsedCommand, answer: object) -> None:
    """Make the cursor that a command has opened that of the client's users.

    answer   of the command; with a cursor that was open before, or with none, nothing is done
    """
    if isinstance(answer, BulkWriteReply):
        answer = answer.results
    inner = answer.get("cursor") if isinstance(answer, dict) else None
    cursor_id = inner.get("id", 0) if isinstance(inner, dict) else getattr(answer, "cursor_id", 0)
    cursor = instance.cursors.find(int(cursor_id)) if cursor_id else None
    if cursor is not None and cursor.owner is None:
        authority, document = authority_of(instance, peer), parsed.document
        asked = Asked(instance, peer, authority, parsed.database, next(iter(document)), document)
        cursor.owner = Owner(authority.names, tuple(rule_of(parsed.command.name).all_needs(asked)))


def _told(command: Command, document: Mapping[str, Any]) -> str:
    """A command in the server's notation, without what is secret, without the documents that it brings, and without
    the end of what is very long."""
    left = [_TOLD_VALUES]
    told = {name: value for name, value in without_secrets(document, command.secrets).items() if name not in _BROUGHT}
    return shown(_shortened(told, left))[:REFUSED_COMMAND_CHARACTERS]


def _shortened(value: Any, left: list[int]) -> Any:
    """A value without what lies behind so many values."""
    left[0] -= 1
    if type(value) is dict:
        return {name: _shortened(each, left) for name, each in value.items() if left[0] > 0}
    if type(value) is list:
        return [_shortened(each, left) for each in islice(value, max(left[0], 0))]
    return value[:REFUSED_COMMAND_CHARACTERS] if isinstance(value, str) else value
