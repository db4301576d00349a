"""What createUser and updateUser say of a password: how it is to be kept, and whether it can be.

Source: manual, createUser, updateUser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from amongo.commands.access.credentials import MECHANISMS, SHA_1, SHA_256, make_credentials
from amongo.commands.access.names import EXTERNAL, UserName
from amongo.commands.fields import Field
from amongo.errors import access as errors
from amongo.errors import command as command_errors
from amongo.values.types import alias

PASSWORD_FIELDS: Final = {
    "pwd": Field("string"),
    "digestPassword": Field("bool", default=True),
    "mechanisms": Field("array"),
}


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """A new password; no text shows it.

    text          of it, or of its digest
    is_digested   the client has digested it, for SCRAM-SHA-1
    mechanisms    for which credentials are made of it
    """

    text: str
    is_digested: bool
    mechanisms: tuple[str, ...]

    def credentials(self, name: UserName) -> dict[str, Any]:
        """What is stored of it. Takes milliseconds.

        errors   PASSWORD_NOT_PREPARED
        """
        return make_credentials(name, self.text, self.mechanisms, is_digested=self.is_digested)


def parse_password(command: str, database: str, fields: Mapping[str, Any]) -> Password | None:
    """The password of a command; None where it names none.

    fields   of PASSWORD_FIELDS, parsed
    errors   EXTERNAL_PASSWORD, PASSWORD_EMPTY; those of `parse_mechanisms`; DIGESTED
    """
    text, is_digested = fields["pwd"], not fields["digestPassword"]
    mechanisms = parse_mechanisms(command, fields["mechanisms"])
    if mechanisms is not None and SHA_256.name in mechanisms and is_digested:
        raise errors.DIGESTED()
    if text is None:
        return None
    if database == EXTERNAL:
        raise errors.EXTERNAL_PASSWORD()
    if not text:
        raise errors.PASSWORD_EMPTY()
    if mechanisms is None:
        mechanisms = (SHA_1.name,) if is_digested else tuple(MECHANISMS)
    return Password(text, is_digested, mechanisms)


def parse_mechanisms(command: str, values: Any) -> tuple[str, ...] | None:
    """The mechanisms that a command names; None where it names none.

    errors   WRONG_TYPE, NO_MECHANISM, UNKNOWN_MECHANISM
    """
    if values is None:
        return None
    if not values:
        raise errors.NO_MECHANISM()
    for place, value in enumerate(values):
        if type(value) is not str:
            raise command_errors.WRONG_TYPE(
                command=command, field=f"mechanisms.{place}", actual=alias(value), expected="type 'string'"
            )
        if value not in MECHANISMS:
            raise errors.UNKNOWN_MECHANISM(name=value)
    return tuple(values)
