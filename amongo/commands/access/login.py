"""How a client comes to be a user: by a conversation about a password, or by its certificate.

The state of a conversation belongs to the connection (`Peer`). Whatever goes wrong, the client hears one sentence; the
reason stands in the log, and passwords and proofs stand nowhere.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bson import Binary

from amongo.commands.access.credentials import MECHANISMS, Mechanism, decoy, parse_credential
from amongo.commands.access.names import EXTERNAL, LoggedIn, UserName
from amongo.commands.access.scram import Conversation, Known, Refused
from amongo.commands.access.users import User
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.access.access import Access

_LOG: Final = logging.getLogger("amongo.access")
X509: Final = "MONGODB-X509"
CONVERSATION_ID: Final = 1
"""A connection has one conversation at a time: there is nothing to tell apart."""


def start(
    access: Access, peer: Peer, mechanism: str, payload: bytes, database: str, *, skips_empty_exchange: bool
) -> dict[str, Any]:
    """Begin a conversation: {conversationId, done, payload}. One that was going on is forgotten.

    errors   MECHANISM_UNAVAILABLE, AUTHENTICATION_FAILED
    """
    peer.conversation = None
    found = MECHANISMS.get(mechanism)
    if found is None or database == EXTERNAL:
        raise errors.MECHANISM_UNAVAILABLE(name=mechanism)

    def look_up(user: str) -> Known:
        return _known(access, found, UserName(user, database))

    peer.conversation = Conversation(found, database, look_up, skips_empty_exchange=skips_empty_exchange)
    return go_on(access, peer, CONVERSATION_ID, payload, database)


def go_on(access: Access, peer: Peer, conversation_id: int, payload: bytes, database: str) -> dict[str, Any]:
    """The next reply of the connection's conversation: {conversationId, done, payload}.

    errors   NO_CONVERSATION, OTHER_CONVERSATION, OTHER_DATABASE, AUTHENTICATION_FAILED
    """
    conversation, peer.conversation = peer.conversation, None
    if conversation is None:
        raise errors.NO_CONVERSATION()
    if conversation_id != CONVERSATION_ID:
        raise errors.OTHER_CONVERSATION()
    if database != conversation.database:
        raise errors.OTHER_DATABASE()
    try:
        said = conversation.answer(payload)
        if said.is_done:
            _log_in(access, peer, UserName(conversation.user, conversation.database), conversation.mechanism.name)
        else:
            peer.conversation = conversation
    except Refused as refused:
        name = UserName(conversation.user, conversation.database)
        raise _failure(peer, name, conversation.mechanism.name, str(refused)) from None
    return {"conversationId": CONVERSATION_ID, "done": said.is_done, "payload": Binary(said.payload)}


def log_in_by_certificate(access: Access, peer: Peer, user: str | None, database: str) -> dict[str, Any]:
    """Make a client the user of its certificate: {dbname, user}.

    user     that it claims to be; None for whom its certificate names
    errors   EXTERNAL_ALONE, AUTHENTICATION_FAILED
    """
    peer.conversation = None
    if database != EXTERNAL:
        raise errors.EXTERNAL_ALONE()
    name = UserName(user or peer.subject or "", EXTERNAL)
    try:
        if not peer.is_secure or peer.subject is None:
            raise Refused("the connection has no verified certificate")
        if name.user != peer.subject:
            raise Refused("the certificate is that of another")
        _log_in(access, peer, name, X509)
    except Refused as refused:
        raise _failure(peer, name, X509, str(refused)) from None
    return {"dbname": EXTERNAL, "user": name.user}


def log_out(peer: Peer, database: str) -> None:
    """Let a client be no user of this database any more."""
    peer.conversation = None
    peer.users = tuple(each for each in peer.users if each.name.database != database)


def speculate(access: Access, peer: Peer, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the first step of an authentication gives that comes with a `hello`; None where it fails, which is none:
    the client then begins in the usual way.

    asked   a saslStart or authenticate document, with `db`; without it a certificate is one of `$external`
    """
    command = next(iter(asked), "")
    database = asked.get("db", EXTERNAL if command == "authenticate" else None)
    if type(database) is not str:
        return None
    try:
        if command == "saslStart":
            mechanism, options = asked.get("mechanism"), asked.get("options")
            skips = type(options) is dict and options.get("skipEmptyExchange") is True
            payload = parse_payload(asked.get("payload"))
            if type(mechanism) is not str or payload is None:
                return None
            return start(access, peer, mechanism, payload, database, skips_empty_exchange=skips)
        user = asked.get("user")
        if command == "authenticate" and asked.get("mechanism") == X509 and (user is None or type(user) is str):
            return log_in_by_certificate(access, peer, user, database)
    except ServerError:
        peer.conversation = None
    return None


def supported_mechanisms(access: Access, name: UserName) -> list[str]:
    """By which conversations a user can say who it is. One that is not there could by any, as new ones can: nobody
    learns from this who is there."""
    user = _find(access, name)
    if user is None:
        return [] if name.database == EXTERNAL else list(MECHANISMS)
    return [each for each in MECHANISMS if each in user.credentials]


def parse_payload(value: Any) -> bytes | None:
    """The payload of a message: binary, or base64 in a string; None for anything else.

    errors   PAYLOAD_NOT_BASE64
    """
    if type(value) is str:
        try:
            return b64decode(value, validate=True)
        except (NotBase64, ValueError):
            raise errors.PAYLOAD_NOT_BASE64() from None
    return bytes(value) if isinstance(value, bytes) else None


def _known(access: Access, mechanism: Mechanism, name: UserName) -> Known:
    """What is known of a user; of one that is not there, what looks like it.

    errors   Refused for a user that has no credential for this mechanism: its client, which `hello` has told so, has
             tried it on chance, and now takes another
    """
    user = _find(access, name)
    made_up = decoy(mechanism, name, access.secret())  # always, so that both take the same time
    if user is None:
        return Known(made_up, is_real=False)
    credential = parse_credential(mechanism, user.credentials.get(mechanism.name))
    if credential is None:
        raise Refused("the user has no credential for it")
    return Known(credential, is_real=True)


def _find(access: Access, name: UserName) -> User | None:
    try:
        return access.users.named(name)
    except ServerError:  # what somebody has written there is no user
        return None


def _log_in(access: Access, peer: Peer, name: UserName, mechanism: str) -> None:
    """Let a client be this user from now on, and no other.

    errors   Refused
    """
    user = _find(access, name)
    if user is None:
        raise Refused("there is no such user")
    if not access.may_come(user, peer):
        raise Refused("the user may not come from there")
    peer.users = (LoggedIn(name, user.user_id),)
    _LOG.info("connection %d: %r is authenticated by %s", peer.number, str(name), mechanism)


def _failure(peer: Peer, name: UserName, mechanism: str, reason: str) -> ServerError:
    place = peer.number, str(name), mechanism, peer.address, reason
    _LOG.warning("connection %d: %r is not authenticated by %s from %s: %s", *place)
    return errors.AUTHENTICATION_FAILED()
