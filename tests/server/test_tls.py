"""TLS, from both sides: PyMongo's clients with the certificates that they need, with wrong ones, and with none."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import anyio
import pymongo
import pytest
from certificates import Authority
from cryptography.x509.oid import NameOID
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError
from pymongo.monitoring import CommandListener
from serving_process import served as served_by_process
from test_wire_drivers import served

from amongo import AsyncMongoClient
from amongo.server.server import AsyncWireServer
from amongo.server.tls import TlsOptions, written

Document = dict[str, Any]
PARTS = {
    NameOID.COUNTRY_NAME: "CH",
    NameOID.ORGANIZATION_NAME: "Ämter, Höfe + Co",
    NameOID.ORGANIZATIONAL_UNIT_NAME: " till ",
    NameOID.COMMON_NAME: "ann",
}
SUBJECT = "CN=ann,OU=\\ till\\ ,O=Ämter\\, Höfe \\+ Co,C=CH"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def ann(authority: Authority) -> Path:
    return authority.client("ann", PARTS)


def client(address: str, authority: Authority, **options: Any) -> pymongo.MongoClient[Document]:
    options = {"tls": True, "tlsCAFile": str(authority.ca_file), "serverSelectionTimeoutMS": 10_000, **options}
    return pymongo.MongoClient(f"mongodb://{address}", **options)


class CommandNames(CommandListener):
    """The names of the commands that a client has sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: Any) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: Any) -> None:
        pass

    def failed(self, event: Any) -> None:
        pass


def is_refused(address: str, authority: Authority, **options: Any) -> bool:
    """Whether a client is not even let in."""
    with client(address, authority, **options, serverSelectionTimeoutMS=300) as connected:
        try:
            connected.admin.command("ping")
        except OperationFailure:
            return False
        except PyMongoError:
            return True
        return False


@pytest.fixture(scope="module")
def plain_tls(authority: Authority) -> Iterator[str]:
    """A server that asks for no certificates."""
    with served(tls=TlsOptions(authority.server())) as address:
        yield address


@pytest.fixture(scope="module")
def mutual(authority: Authority) -> Iterator[str]:
    """A server that clients have to show certificates to, and to say who they are."""
    with served(tls=TlsOptions(authority.server(), ca_file=authority.ca_file), auth=True) as address:
        yield address


def test_reading_and_writing(plain_tls: str, authority: Authority) -> None:
    with client(plain_tls, authority) as connected:
        things = connected.wire.things
        things.insert_many([{"_id": each, "text": "x" * 1000} for each in range(300)])
        assert sum(len(each["text"]) for each in things.find(batch_size=100)) == 300_000
        assert things.find_one({"_id": 7}, {"text": 0}) == {"_id": 7}
        big = "y" * 5_000_000
        things.insert_one({"_id": "big", "text": big})
        found = things.find_one({"_id": "big"})
        assert found is not None and found["text"] == big


@pytest.mark.anyio
async def test_the_asynchronous_client(plain_tls: str, authority: Authority, anyio_backend_name: str) -> None:
    if anyio_backend_name != "asyncio":
        pytest.skip("PyMongo's own client runs on asyncio alone")
    options: Any = {"tls": True, "tlsCAFile": str(authority.ca_file)}
    async with pymongo.AsyncMongoClient(f"mongodb://{plain_tls}", **options) as connected:
        assert (await connected.admin.command("ping"))["ok"] == 1.0


def test_who_trusts_another_authority_does_not_connect(plain_tls: str, stranger: Authority) -> None:
    assert is_refused(plain_tls, stranger)


def test_who_comes_without_tls_is_turned_away_alone(plain_tls: str, authority: Authority) -> None:
    with client(plain_tls, authority) as connected:
        connected.admin.command("ping")
        plain: pymongo.MongoClient[Document] = pymongo.MongoClient(
            f"mongodb://{plain_tls}", serverSelectionTimeoutMS=300
        )
        with plain, pytest.raises(PyMongoError):
            plain.admin.command("ping")
        host, _, port = plain_tls.rpartition(":")
        for noise in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(300), b"\x16\x03\x01\xff\xff" + bytes(2000)):
            with socket.create_connection((host, int(port)), timeout=10) as raw:
                raw.sendall(noise)
                raw.shutdown(socket.SHUT_WR)
                try:
                    while raw.recv(4096):
                        pass
                except ConnectionError:
                    pass
        assert connected.admin.command("ping")["ok"] == 1.0


def test_noise_inside_tls_ends_its_connection_alone(plain_tls: str, authority: Authority) -> None:
    host, _, port = plain_tls.rpartition(":")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    with client(plain_tls, authority) as connected, socket.create_connection((host, int(port)), timeout=10) as raw:
        connected.admin.command("ping")
        with context.wrap_socket(raw, server_hostname=host) as secured:
            os.write(secured.fileno(), b"\x17\x03\x03\x00\x20" + os.urandom(32))  # a record that nobody has encrypted
            with pytest.raises((OSError, AssertionError)):
                assert secured.recv(4096)
        assert connected.admin.command("ping")["ok"] == 1.0


def test_old_versions_are_refused(plain_tls: str, authority: Authority) -> None:
    host, _, port = plain_tls.rpartition(":")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=host) as secured,
    ):
        assert secured.version() == "TLSv1.2"
    with served(tls=TlsOptions(authority.server(), minimum_version="TLS1_3")) as address:
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as raw, pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(raw, server_hostname=host)


@pytest.mark.anyio
async def test_both_event_loops_serve_it(authority: Authority) -> None:
    """TLS and passwords, under asyncio and under trio."""
    tls = TlsOptions(authority.server())

    def talk(address: str) -> int:
        with client(address, authority) as connected:
            connected.admin.command("createUser", "ann", pwd="pencil", roles=["root"])
        with client(f"ann:pencil@{address}", authority, authSource="admin") as connected:
            connected.shop.things.insert_many([{"text": "x" * 100_000} for _ in range(5)])
            return len(connected.shop.things.find().to_list())

    async with AsyncMongoClient("memory://") as store, AsyncWireServer(store, port=0, auth=True, tls=tls) as server:
        assert await anyio.to_thread.run_sync(talk, server.address) == 5


# Certificates of clients


def test_a_certificate_says_who_one_is(mutual: str, authority: Authority, ann: Path) -> None:
    with client(mutual, authority, tlsCertificateKeyFile=str(ann)) as connected:
        with pytest.raises(OperationFailure) as caught:
            connected.shop.things.find_one()
        assert caught.value.code == 13
        external = connected["$external"]
        assert external.command("createUser", SUBJECT, roles=[{"role": "root", "db": "admin"}])["ok"] == 1.0
    for options in ({}, {"username": SUBJECT}):
        options = {**options, "authMechanism": "MONGODB-X509", "tlsCertificateKeyFile": str(ann)}
        listener = CommandNames()
        with client(mutual, authority, **options, event_listeners=[listener]) as connected:
            assert connected.shop.things.insert_one({}).acknowledged
            assert listener.names == ["insert"], "the certificate was shown with hello"
            (user,) = connected.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]
            assert user == {"user": SUBJECT, "db": "$external"}


def test_another_name_than_that_of_the_certificate(mutual: str, authority: Authority, ann: Path) -> None:
    options = {"authMechanism": "MONGODB-X509", "username": "CN=root", "tlsCertificateKeyFile": str(ann)}
    with client(mutual, authority, **options) as connected, pytest.raises(OperationFailure) as caught:
        connected.shop.things.find_one()
    assert caught.value.code == 18


def test_a_certificate_that_is_no_users(mutual: str, authority: Authority) -> None:
    bob = authority.client("bob", {NameOID.COMMON_NAME: "bob"})
    options = {"authMechanism": "MONGODB-X509", "tlsCertificateKeyFile": str(bob)}
    with client(mutual, authority, **options) as connected, pytest.raises(OperationFailure) as caught:
        connected.shop.things.find_one()
    assert caught.value.code == 18


def test_certificates_that_are_refused(mutual: str, authority: Authority, stranger: Authority) -> None:
    foreign = stranger.client("eve", {NameOID.COMMON_NAME: "ann"})
    over = authority.client("over", {NameOID.COMMON_NAME: "ann"}, is_over=True)
    for options in ({}, {"tlsCertificateKeyFile": str(foreign)}, {"tlsCertificateKeyFile": str(over)}):
        assert is_refused(mutual, authority, **options)


def test_a_client_may_show_none_where_that_is_allowed(authority: Authority, stranger: Authority, ann: Path) -> None:
    options = TlsOptions(authority.server(), ca_file=authority.ca_file, allow_connections_without_certificates=True)
    with served(tls=options) as address:
        for shown in ({}, {"tlsCertificateKeyFile": str(ann)}):
            with client(address, authority, **shown) as connected:
                assert connected.admin.command("ping")["ok"] == 1.0
        with client(address, authority, authMechanism="MONGODB-X509") as connected:
            with pytest.raises(OperationFailure) as caught:
                connected.admin.command("ping")
            assert caught.value.code == 18
        foreign = stranger.client("eve", {NameOID.COMMON_NAME: "ann"})
        assert is_refused(address, authority, tlsCertificateKeyFile=str(foreign))


def test_a_revoked_certificate(authority: Authority, ann: Path) -> None:
    gone = authority.client("gone", {NameOID.COMMON_NAME: "gone"})
    options = TlsOptions(authority.server(), ca_file=authority.ca_file, crl_file=authority.revoking(gone))
    with served(tls=options) as address:
        with client(address, authority, tlsCertificateKeyFile=str(ann)) as connected:
            assert connected.admin.command("ping")["ok"] == 1.0
        assert is_refused(address, authority, tlsCertificateKeyFile=str(gone))


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1"])
def test_passwords_over_tls(authority: Authority, mechanism: str) -> None:
    with served(tls=TlsOptions(authority.server()), auth=True) as address:
        with client(address, authority) as connected:
            connected.admin.command("createUser", "ann", pwd="pencil", roles=["root"])
        uri = f"{quote_plus('ann')}:pencil@{address}"
        with client(uri, authority, authMechanism=mechanism, authSource="admin") as connected:
            assert connected.shop.things.insert_one({}).acknowledged


# Options


def test_options_that_cannot_be_had(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    encrypted = Authority(tmp_path).server(password="open sesame")
    for options in (
        TlsOptions(tmp_path / "none.pem"),
        TlsOptions(empty),
        TlsOptions(authority.ca_file),
        TlsOptions(encrypted),
        TlsOptions(encrypted, certificate_key_file_password="open barley"),
        TlsOptions(authority.server(), ca_file=empty),
        TlsOptions(authority.server(), minimum_version="TLS1_0"),
        TlsOptions(authority.server(), allow_connections_without_certificates=True),
    ):
        with pytest.raises(ConfigurationError, match=r"TLS|certificates"):
            options.context()
    assert TlsOptions(encrypted, certificate_key_file_password="open sesame").context()
    assert "sesame" not in repr(TlsOptions(encrypted, certificate_key_file_password="open sesame"))


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ((), ""),
        (((("commonName", "a"),),), "CN=a"),
        (((("countryName", "CH"),), (("organizationName", "x"), ("commonName", "y"))), "O=x+CN=y,C=CH"),
        (((("commonName", ' #a,b+c"d\\e<f>g; '),),), 'CN=\\ #a\\,b\\+c\\"d\\\\e\\<f\\>g\\;\\ '),
        (((("commonName", "#a"),), (("emailAddress", "a@b"),)), "emailAddress=a@b,CN=\\#a"),
        (((("localityName", "Zürich"),), (("surname", "Z"),), (("givenName", "A"),)), "GN=A,SN=Z,L=Zürich"),
    ],
)
def test_names_are_written_as_rfc_2253_has_them(subject: Any, text: str) -> None:
    assert written(subject) == text


def test_names_are_written_as_openssl_writes_them(ann: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl")
    command = [program, "x509", "-in", str(ann), "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == f"subject={SUBJECT}"


def test_the_command_line(authority: Authority, ann: Path) -> None:
    files = ("--tls-certificate-key-file", str(authority.server()), "--tls-ca-file", str(authority.ca_file))
    with served_by_process(":memory:", "--auth", *files) as uri:
        assert uri.endswith("/?tls=true")
        address = uri.removeprefix("mongodb://").partition("/")[0]
        with client(address, authority, tlsCertificateKeyFile=str(ann)) as connected:
            with pytest.raises(OperationFailure) as caught:
                connected.shop.things.find_one()
            assert caught.value.code == 13
