"""authenticate: a client says that it is the user of its certificate. Source: manual, authenticate, x.509."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.login import X509, log_in_by_certificate
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "mechanism": Field("string", required=True),
    "user": Field("string"),
    "db": Field("string"),
    "pwd": Field(),
    "nonce": Field(),
}


@dataclass(frozen=True, slots=True)
class AuthenticateRequest:
    """Whom a client claims to be.

    database   of the user
    user       None for whom its certificate names
    """

    database: str
    user: str | None


def parse(database: str, document: dict[str, Any]) -> AuthenticateRequest:
    """The request of an authenticate document.

    errors   those of `parse_fields`; MECHANISM_UNKNOWN
    """
    fields = parse_fields("authenticate", document, FIELDS)
    if fields["mechanism"] != X509:
        raise errors.MECHANISM_UNKNOWN(name=fields["mechanism"])
    return AuthenticateRequest(database, fields["user"])


def run(instance: Instance, request: AuthenticateRequest, context: Context) -> dict[str, Any]:
    """{dbname, user}.

    errors   NO_CONNECTION, those of `log_in_by_certificate`
    """
    if context.peer is None:
        raise errors.NO_CONNECTION()
    return {**log_in_by_certificate(instance.access, context.peer, request.user, request.database), "ok": 1.0}


COMMAND = Command("authenticate", parse, run, is_quick=True, secrets=("pwd", "nonce"))
