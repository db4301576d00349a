"""rotateCertificates: read the certificates of TLS anew, without ending the connections there are.

What serves the store over TLS reads its files again; a store that is not served, or without TLS, has none to read.
Source: manual, rotateCertificates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"message": Field("string")}


@dataclass(frozen=True, slots=True)
class RotateCertificatesRequest:
    """What is written into the log with it; None for nothing."""

    message: str | None = None


def parse(database: str, document: dict[str, Any]) -> RotateCertificatesRequest:
    """The request of a rotateCertificates document.

    errors   UNKNOWN_FIELD, WRONG_TYPE
    """
    return RotateCertificatesRequest(parse_fields("rotateCertificates", document, FIELDS)["message"])


def run(instance: Instance, request: RotateCertificatesRequest, context: Context) -> dict[str, Any]:
    """Nothing but `ok`."""
    for served in list(instance.services):
        served.rotate_certificates()
    instance.journal.note("NETWORK", "Certificates rotated", {"message": request.message or ""})
    return {"ok": 1.0}


COMMAND = Command("rotateCertificates", parse, run, is_admin_only=True)
