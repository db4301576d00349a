"""The client's side of SCRAM, written after RFC 5802, so that the server's is not tested by itself."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from functools import lru_cache

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256"}


class ScramClient:
    """One conversation, from the client.

    mechanism   of it
    secret      what is stretched: the prepared password, or its digest for SHA-1
    """

    def __init__(self, mechanism: str, user: str, secret: str, *, nonce: str = "fyko", head: str = "n,,") -> None:
        self.hash_name = HASHES[mechanism]
        self.secret = secret
        self.head = head
        self.nonce = nonce
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
        self.signature = b""

    def first(self) -> bytes:
        return (self.head + self.bare).encode()

    def final(self, challenge: bytes) -> bytes:
        parts = dict(part.split("=", 1) for part in challenge.decode().split(","))
        assert parts["r"].startswith(self.nonce)
        assert len(parts["r"]) > len(self.nonce) + 16
        salted = _stretched(self.hash_name, self.secret.encode(), b64decode(parts["s"]), int(parts["i"]))
        client_key = self._sign(salted, b"Client Key")
        claim = f"c={b64encode(self.head.encode()).decode()},r={parts['r']}"
        message = f"{self.bare},{challenge.decode()},{claim}".encode()
        mask = self._sign(hashlib.new(self.hash_name, client_key).digest(), message)
        proof = bytes(one ^ other for one, other in zip(client_key, mask, strict=True))
        self.signature = self._sign(self._sign(salted, b"Server Key"), message)
        return f"{claim},p={b64encode(proof).decode()}".encode()

    def accepts(self, answer: bytes) -> bool:
        return answer == b"v=" + b64encode(self.signature)

    def _sign(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self.hash_name).digest()


_stretched = lru_cache(1000)(hashlib.pbkdf2_hmac)
