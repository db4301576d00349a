"""`amongo serve`: a store for any MongoDB driver or tool. Needs the extra `server`.

The password of an encrypted private key is taken from the environment: a command line can be read by others.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import typer
from pymongo.errors import PyMongoError
from rich.console import Console

from amongo.cli.address import EMBEDDED_SCHEMES, uri_of
from amongo.cli.exits import impossible

if TYPE_CHECKING:
    from amongo.server.tls import TlsOptions

KEY_PASSWORD: Final = "AMONGO_TLS_KEY_PASSWORD"


def serve_command(
    path: str = typer.Argument(help="Directory of the store; made if it is not there. `:memory:` for none."),
    host: str = typer.Option("127.0.0.1", help="An address of this machine; one that others reach needs --auth."),
    port: int = typer.Option(27017, min=0, max=65535, help="0 for any that is free."),
    socket: str | None = typer.Option(None, help="Serve a Unix socket at this path instead."),
    standalone: bool = typer.Option(False, help="Say that it is no replica set."),
    test_commands: bool = typer.Option(
        False, "--enable-test-commands", help="Let failpoints be set, for tests of drivers and applications."
    ),
    advertise: str | None = typer.Option(None, help="host:port by which clients are told to reach the server."),
    auth: bool = typer.Option(False, help="Let nobody do anything who has not said who they are."),
    bind_without_auth: bool = typer.Option(
        False, "--bind-without-auth", help="Serve other machines though everybody may do everything."
    ),
    tls_certificate_key_file: str | None = typer.Option(
        None, help=f"Serve over TLS alone, with this certificate and private key (PEM; its password: {KEY_PASSWORD})."
    ),
    tls_ca_file: str | None = typer.Option(None, help="Ask clients for certificates of these authorities (PEM)."),
    tls_crl_file: str | None = typer.Option(None, help="Refuse certificates that these have revoked (PEM)."),
    tls_allow_connections_without_certificates: bool = typer.Option(
        False, "--tls-allow-connections-without-certificates", help="Let clients in that show none."
    ),
    tls_minimum_version: str = typer.Option("TLS1_2", help="TLS1_2 or TLS1_3."),
) -> None:
    """Serve a store to any MongoDB driver or tool, until Ctrl-C."""
    try:
        from amongo.server.serving import loop_options, serve_until_told
    except ImportError as error:
        raise impossible(f"amongo serve needs {error.name}: pip install amongo[server]") from None

    def begun(address: str) -> None:
        scheme = address.replace("/", "%2F") if socket is not None else address
        suffix = "" if tls_certificate_key_file is None else "/?tls=true"
        Console().print(f"serving {path} at mongodb://{scheme}{suffix}", markup=False, highlight=False, soft_wrap=True)

    tls = _tls(
        tls_certificate_key_file,
        tls_ca_file,
        tls_crl_file,
        allow_without=tls_allow_connections_without_certificates,
        minimum_version=tls_minimum_version,
    )
    uri = uri_of(path)
    if not uri.startswith(EMBEDDED_SCHEMES):
        raise impossible(f"A store is served from a directory or memory, and not from '{path}'.")
    serve = partial(
        serve_until_told,
        uri,
        begun,
        host=host,
        port=port,
        socket_path=socket,
        standalone=standalone,
        test_commands=test_commands,
        auth=auth,
        bind_without_auth=bind_without_auth,
        tls=tls,
        advertised=advertise,
    )
    try:
        anyio.run(serve, backend_options=loop_options())
    except (PyMongoError, OSError) as error:
        raise impossible(error) from None


def _tls(
    certificate_key_file: str | None,
    ca_file: str | None,
    crl_file: str | None,
    *,
    allow_without: bool,
    minimum_version: str,
) -> TlsOptions | None:
    """The TLS that options ask for; None for none. Options without a certificate end the command."""
    from amongo.server.tls import TlsOptions

    if certificate_key_file is None:
        if ca_file is not None or crl_file is not None or allow_without:
            raise impossible("TLS needs a certificate: --tls-certificate-key-file")
        return None
    return TlsOptions(
        certificate_key_file,
        certificate_key_file_password=os.environ.get(KEY_PASSWORD),
        ca_file=ca_file,
        crl_file=crl_file,
        allow_connections_without_certificates=allow_without,
        minimum_version=minimum_version,
    )
