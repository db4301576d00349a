"""cleanupStructuredEncryptionData: throw away what Queryable Encryption has left beside an encrypted collection.

Source: manual, cleanupStructuredEncryptionData.
"""

from __future__ import annotations

from amongo.commands.fields import Field
from amongo.commands.structured_encryption import encryption_command
from amongo.errors import administration as errors

FIELDS = {"cleanupTokens": Field("object", required=True)}

COMMAND = encryption_command("cleanupStructuredEncryptionData", FIELDS, errors.NOT_ENCRYPTED_TO_CLEAN)
