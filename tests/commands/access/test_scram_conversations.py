"""Saying who one is by SCRAM: each step as RFC 5802 has it, and no input that is anything but refused."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import pytest
from bson import Binary
from hypothesis import given
from hypothesis import strategies as st
from peers import Client, Document, in_process, nobody
from scram_client import ScramClient

from amongo.commands.access.credentials import MECHANISMS, make_credentials
from amongo.commands.access.names import UserName
from amongo.commands.instance import Instance
from amongo.errors import ServerError
from tests.server.sasl_fuzzing import campaign

FAILED = {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18, "codeName": "AuthenticationFailed"}


@pytest.fixture
def served(instance: Instance) -> Instance:
    """An instance with the user ann@admin, whose password is "pencil"."""
    assert in_process(instance, {"createUser": "ann", "pwd": "pencil", "roles": ["root"]})["ok"] == 1.0
    return instance


def secret(mechanism: str, user: str, password: str) -> str:
    return password if mechanism == "SCRAM-SHA-256" else hashlib.md5(f"{user}:mongo:{password}".encode()).hexdigest()


def begin(client: Client, mechanism: str, payload: Any, *, database: str = "admin", skips: bool = True) -> Document:
    options = {"options": {"skipEmptyExchange": True}} if skips else {}
    return client.ask({"saslStart": 1, "mechanism": mechanism, "payload": payload, **options}, database)


def go_on(client: Client, payload: bytes, *, database: str = "admin", number: int = 1) -> Document:
    return client.ask({"saslContinue": 1, "conversationId": number, "payload": Binary(payload)}, database)


def log_in(client: Client, mechanism: str, user: str, password: str, **how: Any) -> Document:
    """The last reply of a conversation."""
    scram = ScramClient(mechanism, user, secret(mechanism, user, password))
    begun = begin(client, mechanism, Binary(scram.first()), **how)
    if not begun["ok"]:
        return begun
    ended = go_on(client, scram.final(begun["payload"]))
    assert not ended["ok"] or scram.accepts(ended["payload"])
    return ended


def who(client: Client) -> list[Document]:
    return list(client.ask({"connectionStatus": 1})["authInfo"]["authenticatedUsers"])


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_client_that_knows_the_password(served: Instance, mechanism: str) -> None:
    client = nobody(served)
    assert log_in(client, mechanism, "ann", "pencil")["done"]
    assert who(client) == [{"user": "ann", "db": "admin"}]
    assert client.ask({"ping": 1})["ok"] == 1.0


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_empty_exchange_ends_it_where_it_is_not_skipped(served: Instance, mechanism: str) -> None:
    client = nobody(served)
    ended = log_in(client, mechanism, "ann", "pencil", skips=False)
    assert (ended["done"], who(client)) == (False, [])
    assert go_on(client, b"") == {"conversationId": 1, "done": True, "payload": b"", "ok": 1.0}
    assert who(client) == [{"user": "ann", "db": "admin"}]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    ("user", "password"), [("ann", "pencils"), ("ann", ""), ("bob", "pencil"), ("", "pencil"), ("ann ", "pencil")]
)
def test_who_does_not_know_it_is_nobody(served: Instance, mechanism: str, user: str, password: str) -> None:
    client = nobody(served)
    assert log_in(client, mechanism, user, password) == FAILED
    assert who(client) == []
    assert go_on(client, b"")["code"] == 17, "the conversation is over"


def test_a_user_who_is_not_there_looks_like_one(served: Instance) -> None:
    """The same salt each time, as long as a real one, and as many iterations."""
    challenges: dict[str, set[tuple[str, str, int]]] = {}
    for user in ("ann", "bob", "eve") * 2:
        begun = begin(nobody(served), "SCRAM-SHA-256", Binary(ScramClient("SCRAM-SHA-256", user, "").first()))
        nonce, salt, iterations = begun["payload"].decode().split(",")
        challenges.setdefault(user, set()).add((salt, iterations, len(nonce)))
    assert all(len(found) == 1 for found in challenges.values())
    assert len({salt for found in challenges.values() for salt, *_ in found}) == 3
    assert len({(len(salt), *rest) for found in challenges.values() for salt, *rest in found}) == 1


def test_nonces_are_not_repeated(served: Instance) -> None:
    first = Binary(ScramClient("SCRAM-SHA-256", "ann", "").first())
    assert len({bytes(begin(nobody(served), "SCRAM-SHA-256", first)["payload"]) for _ in range(20)}) == 20


def test_a_proof_serves_once(served: Instance) -> None:
    scram = ScramClient("SCRAM-SHA-256", "ann", "pencil")
    client = nobody(served)
    proof = scram.final(begin(client, "SCRAM-SHA-256", Binary(scram.first()))["payload"])
    assert go_on(client, proof)["ok"] == 1.0
    other = nobody(served)
    begin(other, "SCRAM-SHA-256", Binary(scram.first()))
    assert go_on(other, proof) == FAILED


def test_the_nonce_has_to_be_the_servers(served: Instance) -> None:
    client, scram = nobody(served), ScramClient("SCRAM-SHA-256", "ann", "pencil")
    challenge = bytes(begin(client, "SCRAM-SHA-256", Binary(scram.first()))["payload"])
    forged = challenge.replace(challenge.split(b",")[0], b"r=fyko" + b"x" * 32)
    assert go_on(client, scram.final(forged)) == FAILED


@pytest.mark.parametrize("head", ["y,,", "n,a=ann,"])
def test_heads_that_are_understood(served: Instance, head: str) -> None:
    client, scram = nobody(served), ScramClient("SCRAM-SHA-256", "ann", "pencil", head=head)
    begun = begin(client, "SCRAM-SHA-256", Binary(scram.first()))
    assert go_on(client, scram.final(begun["payload"]))["done"]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"n,,",
        b"n,,n=ann",
        b"n,,n=ann,r=",
        b"p=tls-unique,,n=ann,r=fyko",
        b"n,a=bob,n=ann,r=fyko",
        b"n,,m=x,n=ann,r=fyko",
        b"n,,n=a=nn,r=fyko",
        b"n,,r=fyko,n=ann",
        b"\xff\xfe",
        b"n,,n=ann,r=" + b"x" * 70_000,
    ],
)
def test_first_messages_that_are_none(served: Instance, payload: bytes) -> None:
    client = nobody(served)
    assert begin(client, "SCRAM-SHA-256", Binary(payload)) == FAILED
    assert go_on(client, b"")["code"] == 17


@pytest.mark.parametrize("mechanism", ["PLAIN", "GSSAPI", "MONGODB-AWS", "MONGODB-CR", "", "scram-sha-256"])
def test_mechanisms_that_are_not_there(served: Instance, mechanism: str) -> None:
    reply = begin(nobody(served), mechanism, Binary(b"n,,n=ann,r=fyko"))
    assert (reply["code"], reply["codeName"]) == (334, "MechanismUnavailable")
    assert mechanism in reply["errmsg"]


def test_users_with_certificates_have_no_conversation(served: Instance) -> None:
    assert begin(nobody(served), "SCRAM-SHA-256", Binary(b"n,,n=CN=ann,r=fyko"), database="$external")["code"] == 334


def test_another_database_has_other_users(served: Instance) -> None:
    assert begin(nobody(served), "SCRAM-SHA-256", Binary(b"n,,n=ann,r=fyko"), database="shop")["ok"] == 1.0
    client, scram = nobody(served), ScramClient("SCRAM-SHA-256", "ann", "pencil")
    begun = begin(client, "SCRAM-SHA-256", Binary(scram.first()), database="shop")
    reply = go_on(client, scram.final(begun["payload"]), database="shop")
    assert reply == FAILED


def test_conversations_that_are_mixed_up(served: Instance) -> None:
    first = Binary(ScramClient("SCRAM-SHA-256", "ann", "").first())
    assert go_on(nobody(served), b"")["errmsg"] == "No SASL session state found"
    client = nobody(served)
    begin(client, "SCRAM-SHA-256", first)
    assert go_on(client, b"", number=2)["code"] == 17
    begin(client, "SCRAM-SHA-256", first)
    assert go_on(client, b"", database="shop")["code"] == 17


def test_a_payload_may_be_base64(served: Instance) -> None:
    client = nobody(served)
    assert begin(client, "SCRAM-SHA-256", "biwsbj1hbm4scj1meWtv")["ok"] == 1.0
    assert begin(client, "SCRAM-SHA-256", "no base64!")["code"] == 9
    assert begin(client, "SCRAM-SHA-256", 1)["code"] == 14


def test_one_user_at_a_time(served: Instance) -> None:
    assert in_process(served, {"createUser": "bob", "pwd": "other", "roles": []})["ok"] == 1.0
    client = nobody(served)
    log_in(client, "SCRAM-SHA-256", "ann", "pencil")
    assert log_in(client, "SCRAM-SHA-256", "bob", "pencil") == FAILED
    assert who(client) == [{"user": "ann", "db": "admin"}]
    log_in(client, "SCRAM-SHA-256", "bob", "other")
    assert who(client) == [{"user": "bob", "db": "admin"}]


def test_logging_out(served: Instance) -> None:
    client = nobody(served)
    log_in(client, "SCRAM-SHA-256", "ann", "pencil")
    assert client.ask({"logout": 1}, "shop")["ok"] == 1.0
    assert who(client) == [{"user": "ann", "db": "admin"}]
    assert client.ask({"logout": 1}, "admin")["ok"] == 1.0
    assert who(client) == []
    assert client.code({"find": "fruit"}) == 13


def test_a_user_that_is_dropped_is_nobody_even_when_it_comes_back(served: Instance) -> None:
    client = nobody(served)
    log_in(client, "SCRAM-SHA-256", "ann", "pencil")
    in_process(served, {"dropUser": "ann"})
    assert (who(client), client.code({"find": "fruit"})) == ([], 13)
    in_process(served, {"createUser": "ann", "pwd": "pencil", "roles": ["root"]})
    assert (who(client), client.code({"find": "fruit"})) == ([], 13)


def test_in_process_there_is_nobody_to_authenticate(served: Instance) -> None:
    start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": Binary(b"n,,n=ann,r=fyko")}
    assert in_process(served, start)["code"] == 20
    assert in_process(served, {"saslContinue": 1, "conversationId": 1, "payload": Binary(b"")})["code"] == 20
    assert in_process(served, {"authenticate": 1, "mechanism": "MONGODB-X509"}, "$external")["code"] == 20
    assert in_process(served, {"logout": 1})["ok"] == 1.0


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_hello_takes_the_first_step_along(served: Instance, mechanism: str) -> None:
    client, scram = nobody(served), ScramClient(mechanism, "ann", secret(mechanism, "ann", "pencil"))
    start = {"saslStart": 1, "mechanism": mechanism, "payload": Binary(scram.first()), "db": "admin"}
    start["options"] = {"skipEmptyExchange": True}
    hello = client.ask({"hello": 1, "speculativeAuthenticate": start, "saslSupportedMechs": "admin.ann"}, "admin")
    assert hello["saslSupportedMechs"] == list(MECHANISMS)
    begun = hello["speculativeAuthenticate"]
    assert (begun["conversationId"], begun["done"]) == (1, False)
    assert go_on(client, scram.final(begun["payload"]))["done"]
    assert who(client) == [{"user": "ann", "db": "admin"}]


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"saslStart": 1},
        {"saslStart": 1, "mechanism": "PLAIN", "payload": Binary(b""), "db": "admin"},
        {"saslStart": 1, "mechanism": 1, "payload": Binary(b""), "db": "admin"},
        {"saslStart": 1, "mechanism": "SCRAM-SHA-1", "payload": "?", "db": "admin"},
        {"saslStart": 1, "mechanism": "SCRAM-SHA-1", "payload": Binary(b"n,,n=ann,r=x"), "db": 1},
        {"authenticate": 1, "mechanism": "MONGODB-X509", "db": "$external"},
        {"dropDatabase": 1, "db": "admin"},
    ],
)
def test_a_first_step_that_fails_is_none(served: Instance, step: Document) -> None:
    client = nobody(served)
    reply = client.ask({"hello": 1, "speculativeAuthenticate": step}, "admin")
    assert reply["ok"] == 1.0
    assert "speculativeAuthenticate" not in reply
    assert go_on(client, b"")["code"] == 17


def test_which_mechanisms_a_user_has(served: Instance) -> None:
    in_process(served, {"createUser": "one", "pwd": "x", "roles": [], "mechanisms": ["SCRAM-SHA-1"]}, "shop")
    in_process(served, {"createUser": "CN=x", "roles": []}, "$external")
    client = nobody(served)

    def asked(name: Any) -> Any:
        return client.ask({"hello": 1, "saslSupportedMechs": name}).get("saslSupportedMechs")

    assert asked("shop.one") == asked({"user": "one", "db": "shop"}) == ["SCRAM-SHA-1"]
    assert asked("admin.ann") == asked("admin.nobody") == list(MECHANISMS), "nobody learns from this who is there"
    assert asked("$external.CN=x") is asked("$external.nobody") is None


def test_the_log_says_why_and_holds_no_secret(served: Instance, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        log_in(nobody(served), "SCRAM-SHA-256", "ann", "not it")
        log_in(nobody(served), "SCRAM-SHA-256", "no\nbody", "not it")
        log_in(nobody(served), "SCRAM-SHA-256", "ann", "pencil")
    lines = [record.getMessage() for record in caplog.records if record.name == "amongo.access"]
    assert ["wrong password" in lines[0], "no such user" in lines[1], "is authenticated" in lines[2]] == [True] * 3
    assert not any("\n" in line or "pencil" in line or "not it" in line or "p=" in line for line in lines)


# Whatever comes


_PIECES = st.lists(
    st.sampled_from(
        ["n", "y", "p=", ",", "=", "n=", "r=", "a=", "m=", "c=biws", "p=", "=2C", "=3D", "ann", "fyko", "é", "\0"]
    )
    | st.text(max_size=4),
    max_size=12,
).map("".join)
_PAYLOADS = st.binary(max_size=60) | _PIECES.map(str.encode)


@given(first=_PAYLOADS, second=_PAYLOADS, mechanism=st.sampled_from([*MECHANISMS, "PLAIN"]), skips=st.booleans())
def test_whatever_comes_is_refused(first: bytes, second: bytes, mechanism: str, skips: bool) -> None:
    client = nobody(_shared())
    for reply in (begin(client, mechanism, Binary(first), skips=skips), go_on(client, second), go_on(client, second)):
        assert reply["ok"] == 1.0 or reply["code"] in (17, 18, 334), reply
        assert not reply.get("done")
    assert who(client) == []


@given(place=st.integers(0, 200), change=st.integers(1, 255))
def test_a_proof_with_any_byte_changed_is_none(place: int, change: int) -> None:
    client, scram = nobody(_shared()), ScramClient("SCRAM-SHA-256", "ann", "pencil")
    final = bytearray(scram.final(begin(client, "SCRAM-SHA-256", Binary(scram.first()))["payload"]))
    final[place % len(final)] ^= change
    reply = go_on(client, bytes(final))
    # Base64 has spare bits behind its last character but one: no other byte may be changed unnoticed.
    assert reply == FAILED or place % len(final) == len(final) - 2, reply


_kept: list[Instance] = []


def _shared() -> Instance:
    """An instance for all examples of hypothesis."""
    if not _kept:
        opened = Instance.open(None)
        in_process(opened, {"createUser": "ann", "pwd": "pencil", "roles": ["root"]})
        _kept.append(opened)
    return _kept[0]


# Credentials


def test_credentials_of_the_specification() -> None:
    """The example of RFC 7677: the keys that its messages are signed with."""
    import hmac
    from base64 import b64decode

    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    message = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    proof = b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    signature = MECHANISMS["SCRAM-SHA-256"].sign(stored, message)
    key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    assert MECHANISMS["SCRAM-SHA-256"].hash(key) == stored


def test_two_users_of_one_password_share_nothing() -> None:
    one, other = (make_credentials(UserName(name, "admin"), "pencil", MECHANISMS) for name in ("ann", "bob"))
    for mechanism in MECHANISMS:
        assert not {*map(str, one[mechanism].values())} & {*map(str, other[mechanism].values())} - {"10000", "15000"}


@pytest.mark.parametrize("password", ["\u0007", "a\u00adb\u0627", "\u00ad"])
def test_passwords_that_cannot_be_prepared(password: str) -> None:
    with pytest.raises(ServerError) as caught:
        make_credentials(UserName("ann", "admin"), password, ["SCRAM-SHA-256"])
    assert caught.value.code == 2
    assert make_credentials(UserName("ann", "admin"), password, ["SCRAM-SHA-1"])


def test_a_small_campaign() -> None:
    """What `python -m tests.server.sasl_fuzzing` does for longer."""
    outcomes = campaign(seed=3, inputs=3000)
    assert {"answered", "17", "18", "334"} <= set(outcomes)
