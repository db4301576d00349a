"""SCRAM as the server speaks it: a conversation in which client and server show each other that they know the password,
without saying it.

    client  n,,n=ann,r=<nonce>                    who I am
    server  r=<nonce><ours>,s=<salt>,i=<count>    how your password was salted
    client  c=biws,r=<both nonces>,p=<proof>      I know it
    server  v=<signature>                         so do I

A client then sends an empty message more, unless it has asked to be spared it. For a user that is not there the
conversation is the same, with the same work, up to the proof, which fails as that of a wrong password does. Source: RFC
5802; the drivers' specification of authentication.
"""

from __future__ import annotations

import hmac
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Final, NamedTuple

from amongo.commands.access.credentials import Credential, Mechanism
from amongo.runtime.limits import SASL_PAYLOAD_BYTES

_NONCE_BYTES: Final = 24
_FIRST: Final = re.compile(
    r"(?P<head>[ny],(?:a=(?P<acts_as>[^,]*))?,)(?P<bare>n=(?P<name>[^,]*),r=(?P<nonce>[^,]+)(?:,.*)?)", re.DOTALL
)
_NAME: Final = re.compile(r"(?:[^=]|=2C|=3D)*")


class Refused(Exception):
    """A conversation has failed. The reason is for the log: the client is told nothing but that it has failed."""


class Said(NamedTuple):
    """What the server says.

    payload   its message
    is_done   the client has shown who it is, and nothing is to be said any more
    """

    payload: bytes
    is_done: bool


class Known(NamedTuple):
    """What is known of the user that a client claims to be.

    credential   of the mechanism; a decoy for nobody
    is_real      whether there is such a user
    """

    credential: Credential
    is_real: bool


class Conversation:
    """One conversation, on one connection.

    mechanism   of it
    database    of the user
    user        that the client claims to be; "" before it has said so
    """

    def __init__(
        self,
        mechanism: Mechanism,
        database: str,
        look_up: Callable[[str], Known],
        *,
        skips_empty_exchange: bool = False,
    ) -> None:
        """
        look_up                what is known of the user of this name; errors: Refused
        skips_empty_exchange   the server's signature ends it
        """
        self.mechanism = mechanism
        self.database = database
        self.user = ""
        self._look_up = look_up
        self._skips_empty_exchange = skips_empty_exchange
        self._step: Callable[[bytes], Said] = self._first
        self._known: Known | None = None
        self._binding = self._bare = self._challenge = self._nonce = ""

    def answer(self, payload: bytes) -> Said:
        """What the server says to the client's next message.

        errors   Refused, and the conversation is over
        """
        step, self._step = self._step, self._over
        if len(payload) > SASL_PAYLOAD_BYTES:
            raise Refused(f"a message of {len(payload)} bytes")
        return step(payload)

    def _first(self, payload: bytes) -> Said:
        found = _FIRST.fullmatch(_text(payload))
        if found is None:
            raise Refused("the first message is none of SCRAM without channel binding")
        self.user = _unescaped(found["name"])
        if found["acts_as"] and _unescaped(found["acts_as"]) != self.user:
            raise Refused("a user may act as nobody else")
        self._binding = b64encode(found["head"].encode()).decode()
        self._bare = found["bare"]
        self._known = self._look_up(self.user)
        credential = self._known.credential
        self._nonce = found["nonce"] + b64encode(os.urandom(_NONCE_BYTES)).decode()
        salt = b64encode(credential.salt).decode()
        self._challenge = f"r={self._nonce},s={salt},i={credential.iterations}"
        self._step = self._final
        return Said(self._challenge.encode(), is_done=False)

    def _final(self, payload: bytes) -> Said:
        assert self._known is not None  # the first message was answered
        claim, mark, proof = _text(payload).rpartition(",p=")
        parts = claim.split(",")
        if not mark or parts[:2] != [f"c={self._binding}", f"r={self._nonce}"]:
            raise Refused("the second message does not belong to the first")
        mechanism, (credential, is_real) = self.mechanism, self._known
        message = f"{self._bare},{self._challenge},{claim}".encode()
        signature = mechanism.sign(credential.stored_key, message)
        client_key = _xor(_unpacked(proof, len(signature)), signature)
        is_known = hmac.compare_digest(mechanism.hash(client_key), credential.stored_key)
        answer = b"v=" + b64encode(mechanism.sign(credential.server_key, message))
        if not (is_known and is_real):
            raise Refused("wrong password" if is_real else "there is no such user")
        if self._skips_empty_exchange:
            return Said(answer, is_done=True)
        self._step = self._empty
        return Said(answer, is_done=False)

    def _empty(self, payload: bytes) -> Said:
        return Said(b"", is_done=True)

    def _over(self, payload: bytes) -> Said:
        raise Refused("the conversation is over")


def _text(payload: bytes) -> str:
    """errors: Refused."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Refused("a message that is no text") from None


def _unescaped(name: str) -> str:
    """A name as it was before `,` and `=` were written as `=2C` and `=3D`. errors: Refused."""
    if _NAME.fullmatch(name) is None:
        raise Refused("a name that is written wrongly")
    return name.replace("=2C", ",").replace("=3D", "=")


def _unpacked(text: str, size: int) -> bytes:
    """errors: Refused."""
    try:
        found = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise Refused("a proof that cannot be read") from None
    if len(found) != size:
        raise Refused(f"a proof of {len(found)} bytes")
    return found


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))
