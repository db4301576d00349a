"""saslStart: a client begins to say who it is; see `access.login`. Source: the drivers' specification of
authentication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.login import parse_payload, start
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.errors import access as errors
from amongo.errors import command as command_errors
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {
    "mechanism": Field("string", required=True),
    "payload": Field(required=True),
    "autoAuthorize": Field(),
    "options": Field("object"),
    "db": Field("string"),
}
_OPTIONS = {"skipEmptyExchange": Field("bool", default=False)}


@dataclass(frozen=True, slots=True)
class SaslStartRequest:
    """The first message of a conversation.

    database               of the user
    mechanism              by which it goes
    payload                the message
    skips_empty_exchange   the server's last word ends it
    """

    database: str
    mechanism: str
    payload: bytes
    skips_empty_exchange: bool


def parse(database: str, document: dict[str, Any]) -> SaslStartRequest:
    """The request of a saslStart document.

    errors   those of `parse_fields`; PAYLOAD_NOT_BASE64
    """
    fields = parse_fields("saslStart", document, FIELDS)
    options = parse_fields("saslStart.options", fields["options"] or {}, _OPTIONS, generic={})
    payload = read_payload("saslStart", fields["payload"])
    return SaslStartRequest(database, fields["mechanism"], payload, options["skipEmptyExchange"])


def read_payload(command: str, value: Any) -> bytes:
    """The payload of a message.

    errors   WRONG_TYPE, PAYLOAD_NOT_BASE64
    """
    payload = parse_payload(value)
    if payload is None:
        raise command_errors.WRONG_TYPE(
            command=command, field="payload", actual=alias(value), expected="types '[string, binData]'"
        )
    return payload


def run(instance: Instance, request: SaslStartRequest, context: Context) -> dict[str, Any]:
    """{conversationId, done, payload}.

    errors   NO_CONNECTION, those of `start`
    """
    if context.peer is None:
        raise errors.NO_CONNECTION()
    skips = request.skips_empty_exchange
    answer = start(
        instance.access,
        context.peer,
        request.mechanism,
        request.payload,
        request.database,
        skips_empty_exchange=skips,
    )
    return {**answer, "ok": 1.0}


COMMAND = Command("saslStart", parse, run, is_quick=True, secrets=("payload",))
