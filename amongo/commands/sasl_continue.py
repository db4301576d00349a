"""saslContinue: the next message of a client that says who it is; see `access.login`. Source: the drivers'
specification of authentication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.access.login import go_on
from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.sasl_start import read_payload
from amongo.errors import access as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"conversationId": Field("integer", required=True), "payload": Field(required=True)}


@dataclass(frozen=True, slots=True)
class SaslContinueRequest:
    """A further message of a conversation.

    database          of the user
    conversation_id   as the server has given it
    payload           the message
    """

    database: str
    conversation_id: int
    payload: bytes


def parse(database: str, document: dict[str, Any]) -> SaslContinueRequest:
    """The request of a saslContinue document.

    errors   those of `parse_fields`; PAYLOAD_NOT_BASE64
    """
    fields = parse_fields("saslContinue", document, FIELDS)
    return SaslContinueRequest(database, fields["conversationId"], read_payload("saslContinue", fields["payload"]))


def run(instance: Instance, request: SaslContinueRequest, context: Context) -> dict[str, Any]:
    """{conversationId, done, payload}.

    errors   NO_CONNECTION, those of `go_on`
    """
    if context.peer is None:
        raise errors.NO_CONNECTION()
    answer = go_on(instance.access, context.peer, request.conversation_id, request.payload, request.database)
    return {**answer, "ok": 1.0}


COMMAND = Command("saslContinue", parse, run, is_quick=True, secrets=("payload",))
