"""cleanupStructuredEncryptionData: throw away what Queryable Encryption has left beside an encrypted collection.

As for compactStructuredEncryptionData there is nothing to throw away. Source: manual, cleanupStructuredEncryptionData.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field
from amongo.commands.structured_encryption import EncryptedRequest, encrypted_parser, nothing_done
from amongo.errors import administration as errors

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS = {"cleanupTokens": Field("object", required=True)}


def run(instance: Instance, request: EncryptedRequest, context: Context) -> dict[str, Any]:
    """{stats}: zeros.

    errors   NAMESPACE_NOT_FOUND, NOT_ENCRYPTED_TO_CLEAN
    """
    return nothing_done(instance, request, errors.NOT_ENCRYPTED_TO_CLEAN)


COMMAND = Command(
    "cleanupStructuredEncryptionData", encrypted_parser("cleanupStructuredEncryptionData", FIELDS), run, is_quick=True
)
