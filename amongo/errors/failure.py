"""The one exception that travels below the client: a MongoDB command failure.

Rooms below the client raise `ServerError`, always made by a `Condition` of one of the tables in this package. The
client turns it into PyMongo's exception classes, the wire server into a reply document; both use `ServerError.reply`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amongo.errors.codes import code_name


class ServerError(Exception):
    """A command failed as MongoDB's server would have it fail.

    code      MongoDB's error number
    message   the `errmsg` of the reply
    labels    error labels (`TransientTransactionError`, …)
    extra     further fields of the reply (`keyPattern`, `keyValue`, `errInfo`, …)
    """

    def __init__(
        self, code: int, message: str, labels: tuple[str, ...] = (), extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = int(code)
        self.message = message
        self.labels = labels
        self.extra: dict[str, Any] = dict(extra or {})

    @property
    def code_name(self) -> str:
        """The code's name as the server sends it in `codeName`."""
        return code_name(self.code)

    def reply(self) -> dict[str, Any]:
        """The reply document of the failed command."""
        reply: dict[str, Any] = {
            "ok": 0.0,
            "errmsg": self.message,
            "code": self.code,
            "codeName": self.code_name,
            **self.extra,
        }
        if self.labels:
            reply["errorLabels"] = list(self.labels)
        return reply

    def __str__(self) -> str:
        return f"{self.message} ({self.code}, {self.code_name})"


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of an error table: the number, the message with its gaps, the labels."""

    code: int
    template: str
    labels: tuple[str, ...] = ()

    def __call__(self, *, extra: Mapping[str, Any] | None = None, **gaps: object) -> ServerError:
        """The exception to raise: `raise UNKNOWN_OPERATOR(name="$foo")`.

        gaps    a value for each `{name}` of the template
        extra   further fields of the reply document
        """
        return ServerError(self.code, self.template.format(**gaps), self.labels, extra)


def condition(code: int, template: str, *labels: str) -> Condition:
    """A line of an error table."""
    return Condition(int(code), template, labels)
