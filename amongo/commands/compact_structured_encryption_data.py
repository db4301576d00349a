"""compactStructuredEncryptionData: tidy up what Queryable Encryption has put beside an encrypted collection.

Source: manual, compactStructuredEncryptionData.
"""

from __future__ import annotations

from amongo.commands.fields import Field
from amongo.commands.structured_encryption import encryption_command
from amongo.errors import administration as errors

FIELDS = {
    "compactionTokens": Field("object", required=True),
    "encryptionInformation": Field("object"),
    "anchorPaddingFactor": Field("double"),
}

COMMAND = encryption_command("compactStructuredEncryptionData", FIELDS, errors.NOT_ENCRYPTED_TO_COMPACT)
