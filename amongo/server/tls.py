"""TLS: a connection that others on its way can neither read nor change, to a server that shows a certificate, and from
a client that may have to show one too.

The names of the options are those of MongoDB's `net.tls`, and there is one mode of them, `requireTLS`: whoever comes
without TLS is turned away. Source: manual, TLS/SSL Configuration; Python's `ssl`.
"""

from __future__ import annotations

import logging
import os
import ssl
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream
from pymongo.errors import ConfigurationError

from amongo.runtime.limits import TLS_HANDSHAKE_S, TLS_HANDSHAKES

_LOG: Final = logging.getLogger("amongo.server")
Path = str | os.PathLike[str]

_VERSIONS: Final = {"TLS1_2": ssl.TLSVersion.TLSv1_2, "TLS1_3": ssl.TLSVersion.TLSv1_3}

# How RFC 2253 writes the kinds of a name's parts, by what `ssl` calls them.
_KINDS: Final = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "street",
    "domainComponent": "DC",
    "userId": "UID",
    "surname": "SN",
    "givenName": "GN",
}
_SPECIAL: Final = frozenset(',+"\\<>;')


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a server is secured.

    certificate_key_file            PEM: its certificate, those between it and the authority's, and its private key
    certificate_key_file_password   of the private key; None for one that is not encrypted
    ca_file                         PEM: authorities whose certificates clients show; None to ask them for none
    crl_file                        PEM: certificates that these authorities have revoked
    allow_connections_without_certificates   with `ca_file`: a client may show none, but none that is wrong
    minimum_version                 "TLS1_2" or "TLS1_3"
    """

    certificate_key_file: Path
    certificate_key_file_password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    crl_file: Path | None = None
    allow_connections_without_certificates: bool = False
    minimum_version: str = "TLS1_2"

    def context(self) -> ssl.SSLContext:
        """What makes connections secure.

        errors   ConfigurationError for files that cannot be read, or do not belong together
        """
        version = _VERSIONS.get(self.minimum_version)
        if version is None:
            raise ConfigurationError(f"TLS version '{self.minimum_version}' is none of {', '.join(_VERSIONS)}")
        if self.ca_file is None and (self.crl_file is not None or self.allow_connections_without_certificates):
            raise ConfigurationError("clients show no certificates where no authority is named (ca_file)")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = version
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        try:
            # With no password at all OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self.certificate_key_file, password=self.certificate_key_file_password or "")
            if self.ca_file is not None:
                context.load_verify_locations(self.ca_file)
                optional = self.allow_connections_without_certificates
                context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
            if self.crl_file is not None:
                context.load_verify_locations(self.crl_file)
                context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        except OSError as error:  # so are those of `ssl`
            raise ConfigurationError(f"TLS cannot be had with {self._files()}: {error}") from None
        return context

    def _files(self) -> str:
        files = (self.certificate_key_file, self.ca_file, self.crl_file)
        return ", ".join(f"'{os.fspath(each)}'" for each in files if each is not None)


class Secured:
    """Makes connections secure, as `listening.Secure` says: what is known of a client then is its certificate's name.

    context   that of `TlsOptions`
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self._agreeing = 0

    async def __call__(self, stream: ByteStream) -> tuple[ByteStream, str | None]:
        """(the stream of what is said, the name in the client's verified certificate or None).

        errors   those of the stream, for a client that does not agree on TLS, or whose certificate is refused
        """
        if self._agreeing >= TLS_HANDSHAKES:
            raise ConnectionRefusedError("too many clients are agreeing on TLS")
        self._agreeing += 1
        try:
            with anyio.fail_after(TLS_HANDSHAKE_S):
                found = await TLSStream.wrap(
                    stream, server_side=True, ssl_context=self.context, standard_compatible=False
                )
        except (ssl.SSLError, TimeoutError) as error:
            _LOG.warning("a connection is closed: no TLS was agreed on: %s", error or "it took too long")
            raise
        finally:
            self._agreeing -= 1
        return found, subject_of(found)


def subject_of(stream: ByteStream) -> str | None:
    """The name in the certificate that a client has shown, as RFC 2253 writes it; None for none."""
    certificate: dict[str, Any] | None = stream.extra(TLSAttribute.peer_certificate, None)
    return written(certificate["subject"]) if certificate and certificate.get("subject") else None


def written(subject: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """A name of X.500, as `ssl` gives it, as RFC 2253 writes it: the last part first."""
    parts = ("+".join(f"{_KINDS.get(kind, kind)}={_escaped(value)}" for kind, value in part) for part in subject)
    return ",".join(reversed(list(parts)))


def _escaped(value: str) -> str:
    last = len(value) - 1
    escaped = [
        f"\\{each}" if each in _SPECIAL or (each == " " and place in (0, last)) or (each == "#" and not place) else each
        for place, each in enumerate(value)
    ]
    return "".join(escaped)
