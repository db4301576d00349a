"""Documents of a BSON file, as mongodump writes it: one behind the other, and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import ClassVar, Final

from bson.errors import InvalidBSON

from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.runtime.limits import DUMPED_DOCUMENT_BYTES, READ_BLOCK_BYTES
from amongo.values.codec import decode_foreign

_LENGTH: Final = struct.Struct("<i")
_SHORTEST_BYTES: Final = 5


class BsonBlocks:
    """Reads a file in blocks, and takes pieces and documents from them."""

    def __init__(self, file: InputFile) -> None:
        self._file = file
        self._block = b""
        self._at = 0
        self.position_bytes = 0

    def take(self, size_bytes: int) -> bytes:
        """The next bytes; fewer only at the end of the file."""
        if len(self._block) - self._at < size_bytes:
            wanted = max(READ_BLOCK_BYTES, size_bytes)
            self._block, self._at = self._block[self._at :] + self._file.read(wanted), 0
        taken = self._block[self._at : self._at + size_bytes]
        self._at += len(taken)
        self.position_bytes += len(taken)
        return taken

    def document(self, prefix: bytes | None = None) -> bytes | None:
        """The next document, verified; None at the end of the file.

        prefix   its length, where that has been taken already
        errors   MalformedInput
        """
        begin = self.position_bytes - (4 if prefix else 0)
        prefix = self.take(4) if prefix is None else prefix
        if not prefix:
            return None
        if len(prefix) < 4:
            raise self.wrong(begin, "the file ends within the length of a document")
        length = _LENGTH.unpack(prefix)[0]
        if not _SHORTEST_BYTES <= length <= DUMPED_DOCUMENT_BYTES:
            raise self.wrong(begin, f"a document cannot be {length} bytes long")
        raw = prefix + self.take(length - 4)
        if len(raw) < length:
            raise self.wrong(begin, f"the file ends after {len(raw)} of the {length} bytes of a document")
        try:
            decode_foreign(raw)
        except (InvalidBSON, ValueError) as error:
            raise self.wrong(begin, f"damaged document: {error}") from None
        return raw

    def wrong(self, position_bytes: int, what: str) -> MalformedInput:
        """What is wrong, and where."""
        return MalformedInput(f"{self._file.name}, byte {position_bytes}: {what}")


class BsonReader:
    """The documents of a BSON file."""

    unit: ClassVar[str] = "document"

    def __init__(self, file: InputFile) -> None:
        self._blocks = BsonBlocks(file)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(a document's number, from 1; the document).

        errors   MalformedInput
        """
        number = 0
        while (raw := self._blocks.document()) is not None:
            number += 1
            yield number, raw
