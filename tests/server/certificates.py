"""Certificates for tests: an authority, and what it has signed."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates, each into a PEM file of its own, with its key.

    ca_file   its own certificate
    """

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self.directory = directory
        self.ca_file = directory / f"{name}.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name({NameOID.COMMON_NAME: name})
        certificate = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.ca_file.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())))

    def server(self, *, password: str | None = None) -> Path:
        """The certificate of a server at 127.0.0.1 and localhost."""
        names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        )
        return self._signed("server", {NameOID.COMMON_NAME: "server"}, names, password=password)

    def client(self, name: str, parts: dict[x509.ObjectIdentifier, str], *, is_over: bool = False) -> Path:
        """The certificate of a client, with these parts of its name in their order."""
        return self._signed(name, parts, None, is_over=is_over)

    def revoking(self, path: Path) -> Path:
        """A list of revoked certificates with that of a file."""
        revoked = x509.load_pem_x509_certificate(path.read_bytes())
        entry = x509.RevokedCertificateBuilder().serial_number(revoked.serial_number).revocation_date(NOW).build()
        found = x509.CertificateRevocationListBuilder().issuer_name(self._name).last_update(NOW - DAY)
        found = found.next_update(NOW + DAY).add_revoked_certificate(entry)
        place = self.directory / "revoked.pem"
        place.write_bytes(found.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return place

    def _signed(
        self,
        file_name: str,
        parts: dict[x509.ObjectIdentifier, str],
        names: x509.SubjectAlternativeName | None,
        *,
        password: str | None = None,
        is_over: bool = False,
    ) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _builder(_name(parts), self._name, key, is_over=is_over)
        if names is not None:
            certificate = certificate.add_extension(names, critical=False)
        place = self.directory / f"{file_name}.pem"
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        kind = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, kind, encryption)
        place.write_bytes(_pem(certificate.sign(self._key, hashes.SHA256())) + secret)
        return place


def _name(parts: dict[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts.items()])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_over: bool = False
) -> x509.CertificateBuilder:
    end = NOW - DAY if is_over else NOW + DAY
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - 2 * DAY).not_valid_after(end)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
