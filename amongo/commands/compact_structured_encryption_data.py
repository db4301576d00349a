"""compactStructuredEncryptionData: tidy up what Queryable Encryption has put beside an encrypted collection.

Encrypted values are written by MongoDB's own library, and amongo does not take them. So there is nothing to compact in
an encrypted collection. Source: manual, compactStructuredEncryptionData.
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

FIELDS = {
    "compactionTokens": Field("object", required=True),
    "encryptionInformation": Field("object"),
    "anchorPaddingFactor": Field("double"),
}


def run(instance: Instance, request: EncryptedRequest, context: Context) -> dict[str, Any]:
    """{stats}: zeros.

    errors   NAMESPACE_NOT_FOUND, NOT_ENCRYPTED_TO_COMPACT
    """
    return nothing_done(instance, request, errors.NOT_ENCRYPTED_TO_COMPACT)


COMMAND = Command(
    "compactStructuredEncryptionData", encrypted_parser("compactStructuredEncryptionData", FIELDS), run, is_quick=True
)
