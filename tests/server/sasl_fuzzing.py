"""The campaign against saying who one is:

    python -m tests.server.sasl_fuzzing --inputs 2000000 --seed 1 --record docs/campaigns.md

Every input is a command of a client that says who it is, spoiled or not: its document, the bytes of its message, its
place in the conversation. It may be answered or refused with a code; nothing else may come of it, it may not take long,
no memory may stay behind, and a client is a user exactly when it has shown that it knows the password. `--seed` shows a
finding again.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import logging
import random
import resource
import time
import traceback
from base64 import b64encode
from collections import Counter
from math import inf
from pathlib import Path
from typing import Any, Final

from bson import Binary, Decimal128, Int64, ObjectId, Regex

from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.peer import Peer
from amongo.errors import ServerError
from amongo.values.codec import encode
from tests.commands.access.scram_client import HASHES, ScramClient

Document = dict[str, Any]
LONG_S: Final = 1.0
_USERS: Final = {"ann": "pencil", "a,n=n": "s,e=c", "ännä": "pässwörd"}
_CLAIMED: Final = (*_USERS, "nobody", "", "a" * 300, "\u2168", "ann\0")
_VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1.5, Int64(2**62), Decimal128("NaN"), "", "admin", "x" * 2000, "biws", [], {}, ObjectId(),
    Regex("a"), Binary(b""), Binary(b"n,,n=ann,r=x"), Binary(bytes(300), 5), {"skipEmptyExchange": 1}, [1, "n"],
)  # fmt: skip
_PIECES: Final = (
    b"n,,", b"y,,", b"p=tls-exporter,,", b"n=", b"n=ann", b",r=", b"r=fyko", b",", b"=", b"=2C", b"=3D", b"=2", b"m=x,",
    b"c=biws", b"c=eSws", b",p=", b"\0", b"\xff", b"\xc3", "é".encode(), b"i=1", b"s=QQ==", b"A" * 500, b"\n", b"%s%n",
)  # fmt: skip


class Finding(Exception):
    """Something that may not come of an input."""


class Fuzzer:
    """Clients that say who they are, in every wrong way.

    outcomes   how often what came of an input
    """

    def __init__(self, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._instance = Instance.open(None)
        for user, password in _USERS.items():
            self._instance.run_command("admin", encode({"createUser": user, "pwd": password, "roles": []}))
        self._peer = self._new_peer()
        self._is: str | None = None  # the user that the client has shown itself to be, without a fault
        self._may_be: set[str] = set()  # those whose password it has used

    def close(self) -> None:
        """Close the store."""
        self._instance.close()

    def conversation(self) -> None:
        """One conversation, of a few commands. errors: Finding."""
        chance = self._random
        if chance.random() < 0.3:
            self._peer, self._is, self._may_be = self._new_peer(), None, set()
        user, mechanism = chance.choice(_CLAIMED), chance.choice(list(HASHES))
        password = _USERS.get(user, "x") if chance.random() < 0.8 else "wrong"
        digest = hashlib.md5(f"{user}:mongo:{password}".encode()).hexdigest()
        secret = password if HASHES[mechanism] == "sha256" else digest
        scram = ScramClient(mechanism, user, secret, head=chance.choice(("n,,", "n,,", "y,,")))
        skips, is_whole = chance.random() < 0.7, chance.random() < 0.3
        first = scram.first()
        start: Document = {"saslStart": 1, "mechanism": mechanism, "payload": self._payload(first, is_whole)}
        start |= {"options": {"skipEmptyExchange": True}} if skips else {}
        knows = _USERS.get(user) == password
        if knows:
            self._may_be.add(user)
        reply = self._started(start, is_whole)
        challenge = reply.get("payload") if isinstance(reply, dict) else None
        if challenge:
            try:
                final = scram.final(bytes(challenge))
            except (AssertionError, KeyError, ValueError):  # the answer to a message that was another
                final = b"c=biws,r=x,p=x"
            self._go_on(final, is_whole)
            if not skips:
                self._go_on(b"", is_whole)
            if is_whole and knows:
                self._is = user
        for _ in range(chance.randrange(3)):
            self._aside()
        self._check()

    def _started(self, start: Document, is_whole: bool) -> Document | None:
        if self._random.random() < 0.3:
            hello = {"hello": 1, "speculativeAuthenticate": {**start, "db": "admin"}}
            if not is_whole:
                hello = self._spoiled(hello)
            found = self._ask(hello, "admin" if is_whole else None)
            begun = (found or {}).get("speculativeAuthenticate")
            return begun if isinstance(begun, dict) else None
        return self._ask(start, "admin") if is_whole else self._ask(self._spoiled(start))

    def _go_on(self, payload: bytes, is_whole: bool) -> None:
        command: Document = {"saslContinue": 1, "conversationId": 1, "payload": self._payload(payload, is_whole)}
        if is_whole:
            self._ask(command, "admin")
        else:
            self._ask(self._spoiled(command))

    def _aside(self) -> None:
        """A command that is no step of the conversation."""
        chance = self._random
        command: Document = chance.choice(
            [
                {"saslContinue": 1, "conversationId": 1, "payload": Binary(self._noise())},
                {"authenticate": 1, "mechanism": "MONGODB-X509", "user": chance.choice(_CLAIMED)},
                {"saslStart": 1, "mechanism": "PLAIN", "payload": Binary(b"\0ann\0pencil")},
                {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": Binary(self._noise())},
                {"hello": 1, "saslSupportedMechs": f"admin.{chance.choice(_CLAIMED)}"},
                {"connectionStatus": 1},
            ]
        )
        self._ask(self._spoiled(command) if chance.random() < 0.5 else command)
        if chance.random() < 0.1 and (self._ask({"logout": 1}) or {}).get("ok"):
            self._is = None

    def _payload(self, payload: bytes, is_whole: bool) -> Any:
        chance = self._random
        if not is_whole:
            for _ in range(chance.randrange(3)):
                payload = self._changed(payload)
        return b64encode(payload).decode() if chance.random() < 0.1 else Binary(payload)

    def _changed(self, payload: bytes) -> bytes:
        chance = self._random
        place = chance.randrange(len(payload) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            return payload[:place] + bytes([chance.randrange(256)]) + payload[place + 1 :]
        if kind == 1:
            return payload[:place]
        if kind == 2:
            return payload[:place] + chance.choice(_PIECES) + payload[place:]
        if kind == 3:
            return payload[:place] + payload[place + chance.randrange(8) :]
        return self._noise()

    def _noise(self) -> bytes:
        chance = self._random
        return b"".join(
            chance.choice(_PIECES) if chance.random() < 0.8 else chance.randbytes(4) for _ in range(chance.randrange(9))
        )

    def _spoiled(self, command: Document) -> Document:
        """The command with a field that is other, missing, more, or the last now."""
        chance = self._random
        names = list(command)[1:]
        kind, name = chance.randrange(6), chance.choice(names or ["payload"])
        if kind == 0:
            return {**command, name: chance.choice(_VALUES)}
        if kind == 1:
            return {each: value for each, value in command.items() if each != name}
        if kind == 2:
            return {
                **command,
                chance.choice(("more", "db", "$db", "options", "lsid", "comment")): chance.choice(_VALUES),
            }
        if kind == 3 and isinstance(command.get("speculativeAuthenticate"), dict):
            return {**command, "speculativeAuthenticate": self._spoiled(command["speculativeAuthenticate"])}
        return command

    def _ask(self, command: Document, database: str | None = None) -> Document | None:
        """The reply, None for a refusal.

        database   None for one by chance
        errors     Finding
        """
        instance, chance = self._instance, self._random
        if database is None:
            database = "admin" if chance.random() < 0.95 else chance.choice(("shop", "$external", "", "a.b"))
        began = time.perf_counter()
        reply: Document | None = None
        try:
            parsed = instance.parse_command(database, encode(command), Context(peer=self._peer))
            answer = instance.answer_command(parsed, parsed.context)[0]
            reply = answer if isinstance(answer, dict) else None
            outcome = "answered"
        except ServerError as error:
            outcome = str(error.code)
            if error.code == 1:
                raise Finding(f"{command} is a mistake: {error}") from None
        except BaseException as error:
            raise Finding(f"{command}\n" + "".join(traceback.format_exception(error))) from None
        if time.perf_counter() - began > LONG_S:
            raise Finding(f"{command} took {time.perf_counter() - began:.1f} s")
        self.outcomes[outcome] += 1
        return reply

    def _check(self) -> None:
        """A client that has shown who it is, is somebody, and nobody whose password it never used. errors: Finding."""
        users = [each.name.user for each in self._peer.users]
        if len(users) > 1 or not self._may_be.issuperset(users):
            raise Finding(f"the client is {users}, and knows the passwords of {self._may_be}")
        if self._is is not None and not users:
            raise Finding(f"the client is nobody, and has shown itself to be {self._is}")

    @staticmethod
    def _new_peer() -> Peer:
        return Peer(1, "127.0.0.1:50123", "127.0.0.1:27017", requires_auth=True)


def campaign(seed: int, inputs: int, limit_s: float = inf) -> Counter[str]:
    """What became of so many inputs, or of as many as there was time for. errors: Finding."""
    logging.getLogger("amongo.access").disabled = True
    fuzzer = Fuzzer(seed)
    began, told = time.monotonic(), 0
    try:
        while (done := fuzzer.outcomes.total()) < inputs and time.monotonic() - began < limit_s:
            try:
                fuzzer.conversation()
            except Finding as finding:
                raise Finding(f"--seed {seed}, after {done} inputs: {finding}") from None
            if done // 200_000 > told:
                told = done // 200_000
                print(f"{done:,} inputs, {time.monotonic() - began:.0f} s, {_peak_mb()} MB", flush=True)
    finally:
        fuzzer.close()
        logging.getLogger("amongo.access").disabled = False
    return fuzzer.outcomes


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> int:
    """Run the campaign; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.server.sasl_fuzzing", description=__doc__)
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=inf, help="end after this time")
    parser.add_argument("--record", type=Path, help="a page to which a line is added")
    options = parser.parse_args()
    began = time.monotonic()
    campaign(0, 10_000)  # what there is to be loaded is loaded
    before_mb = _peak_mb()
    try:
        outcomes = campaign(options.seed, options.inputs, options.seconds)
    except Finding as finding:
        print(finding)
        return 1
    seconds, grown_mb = time.monotonic() - began, _peak_mb() - before_mb
    print(dict(outcomes.most_common()), f"{seconds:.0f} s, {grown_mb} MB more at the most")
    if options.record is not None:
        day = datetime.datetime.now(datetime.UTC).date()
        refused = outcomes.total() - outcomes["answered"]
        counts = f"{outcomes.total():,} | {options.seed} | {outcomes['answered']:,} | {refused:,}"
        _record(options.record, f"| {day} | {counts} | 0 | {grown_mb} MB | {seconds:.0f} s |\n")
    return 0


def _record(page: Path, line: str) -> None:
    text = page.read_text(encoding="utf-8")
    if _TITLE not in text:
        text = text.rstrip() + "\n" + _TITLE + _STORY
    head, title, rest = text.partition(_TITLE)
    table, mark, after = rest.partition("\n\n## ")
    page.write_text(head + title + table.rstrip() + "\n" + line + (mark and "\n" + mark[1:]) + after, encoding="utf-8")


_TITLE: Final = "\n## Saying who one is\n"
_STORY: Final = """
Conversations of SCRAM, in commands of their own and with `hello`, right and spoiled: documents, messages, their order.
Each command has to be answered or refused with a code, and a client is a user exactly when it has shown that it knows
the password.

    python -m tests.server.sasl_fuzzing --inputs 2000000 --seed 1 --record docs/campaigns.md

| day | inputs | seed | answered | refused with a code | findings | memory grown by | took |
|---|---|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    raise SystemExit(main())
