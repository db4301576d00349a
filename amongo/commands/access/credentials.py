"""What is kept of a password: keys that are salted and stretched, from which nobody gets it back.

    password -> SASLprep, or MongoDB's own digest for SHA-1 -> PBKDF2 with salt -> stored key, server key

The stored key is enough to check a client's proof and not enough to make one; the server key shows the client that the
server has it. Source: RFC 5802 and 7677; manual, SCRAM; the drivers' specification of authentication.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pymongo.saslprep import saslprep

from amongo.commands.access.names import UserName
from amongo.errors import access as errors


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A mechanism of SCRAM.

    name         as clients say it
    hash_name    hashlib's
    hash_bytes   size of a hash, and so of a key
    salt_bytes   size of a new salt: with four bytes of PBKDF2's own it is one hash long
    iterations   of PBKDF2, for a new password; source: manual, scramIterationCount, scramSHA256IterationCount
    """

    name: str
    hash_name: str
    hash_bytes: int
    salt_bytes: int
    iterations: int

    def hash(self, content: bytes) -> bytes:
        """Its hash."""
        return hashlib.new(self.hash_name, content).digest()

    def sign(self, key: bytes, message: bytes) -> bytes:
        """Its HMAC."""
        return hmac.digest(key, message, self.hash_name)


SHA_1: Final = Mechanism("SCRAM-SHA-1", "sha1", 20, 16, 10_000)
SHA_256: Final = Mechanism("SCRAM-SHA-256", "sha256", 32, 28, 15_000)
MECHANISMS: Final[Mapping[str, Mechanism]] = {each.name: each for each in (SHA_1, SHA_256)}
"""By their names, in the order in which replies have them."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a user has for one mechanism.

    salt         of PBKDF2
    iterations   of it
    stored_key   checks the client's proof
    server_key   signs the server's
    """

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    def document(self) -> dict[str, Any]:
        """As it stands in the user's document."""
        return {
            "iterationCount": self.iterations,
            "salt": b64encode(self.salt).decode(),
            "storedKey": b64encode(self.stored_key).decode(),
            "serverKey": b64encode(self.server_key).decode(),
        }


def make_credentials(
    name: UserName, password: str, mechanisms: Iterable[str], *, is_digested: bool = False
) -> dict[str, dict[str, Any]]:
    """The credentials of a new password: mechanism -> document. Takes milliseconds, and is meant to.

    is_digested   the client has made MongoDB's digest of it already, which serves for SHA-1 alone
    errors        PASSWORD_NOT_PREPARED
    """
    wanted = set(mechanisms)
    return {
        each.name: _make_credential(each, _secret(each, name, password, is_digested)).document()
        for each in MECHANISMS.values()
        if each.name in wanted
    }


def _secret(mechanism: Mechanism, name: UserName, password: str, is_digested: bool) -> bytes:
    """What is stretched: the prepared password, or its digest.

    errors   PASSWORD_NOT_PREPARED
    """
    if mechanism is SHA_256:
        return prepared(password).encode()
    return password.encode() if is_digested else digest(name.user, password).encode()


def _make_credential(mechanism: Mechanism, secret: bytes) -> Credential:
    salt = os.urandom(mechanism.salt_bytes)
    salted = hashlib.pbkdf2_hmac(mechanism.hash_name, secret, salt, mechanism.iterations)
    stored_key = mechanism.hash(mechanism.sign(salted, b"Client Key"))
    return Credential(salt, mechanism.iterations, stored_key, mechanism.sign(salted, b"Server Key"))


def digest(user: str, password: str) -> str:
    """What MongoDB stretches for SCRAM-SHA-1 in the place of the password."""
    return hashlib.md5(f"{user}:mongo:{password}".encode(), usedforsecurity=False).hexdigest()


def prepared(password: str) -> str:
    """A password as SASLprep (RFC 4013) has it, so that two ways to type it are one.

    errors   PASSWORD_NOT_PREPARED for characters that it prohibits
    """
    prepare: Callable[[str], str] = saslprep
    try:
        return prepare(password)
    except (ValueError, IndexError):  # it looks at the first character of what may have become empty
        raise errors.PASSWORD_NOT_PREPARED() from None


def parse_credential(mechanism: Mechanism, document: Any) -> Credential | None:
    """The credential of a user's document; None for what is none, which nobody can use to say who he is."""
    try:
        credential = Credential(
            b64decode(document["salt"], validate=True),
            int(document["iterationCount"]),
            b64decode(document["storedKey"], validate=True),
            b64decode(document["serverKey"], validate=True),
        )
    except (KeyError, TypeError, ValueError, NotBase64, OverflowError):
        return None
    sizes = {len(credential.stored_key), len(credential.server_key)}
    return credential if sizes == {mechanism.hash_bytes} and credential.iterations > 0 else None


def decoy(mechanism: Mechanism, name: UserName, secret: bytes) -> Credential:
    """The credential of a user that is not there: it looks to a client like one, the same each time it asks, and no
    password fits it.

    secret   of the store
    """
    identity = f"{mechanism.name}\0{name.database}\0{name.user}".encode()
    drawn = hmac.digest(secret, identity, "sha512")
    return Credential(
        drawn[: mechanism.salt_bytes],
        mechanism.iterations,
        os.urandom(mechanism.hash_bytes),
        os.urandom(mechanism.hash_bytes),
    )
