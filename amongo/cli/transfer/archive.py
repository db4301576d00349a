"""Archives: all of a dump in one file, as `mongodump --archive` writes it.

    magic number 8199e26d, little-endian 6d e2 99 81
    {concurrent_collections, version: "0.1", server_version, tool_version}
    {db, collection, metadata, size, type}            for each collection
    ff ff ff ff
    {db, collection, EOF: false, CRC: 0}, documents, ff ff ff ff     any number of times, of any collection
    {db, collection, EOF: true, CRC}, ff ff ff ff                    once a collection: CRC-64 of its documents

Source: the format's specification in MongoDB's database tools (common/archive/spec.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from bson import Int64
from fastcrc import crc64

from amongo.cli.transfer.bson_input import BsonBlocks
from amongo.cli.transfer.dump_metadata import Metadata, metadata_of
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.values.codec import decode, encode_in_order

MAGIC: Final = bytes.fromhex("6de29981")
_END: Final = b"\xff\xff\xff\xff"
_VERSION: Final = "0.1"


class ArchiveWriter:
    """Writes an archive, one collection after the other."""

    def __init__(
        self, file: IO[bytes], collections: Sequence[Metadata], *, server_version: str, tool_version: str
    ) -> None:
        """Write the prelude. errors: OSError, Unwritable."""
        self._file = file
        header = {"concurrent_collections": 1, "version": _VERSION}
        file.write(MAGIC + encode_in_order(header | {"server_version": server_version, "tool_version": tool_version}))
        for each in collections:
            names = {"db": each.database, "collection": each.collection, "metadata": each.text().decode()}
            file.write(encode_in_order(names | {"size": 0, "type": each.kind}))
        file.write(_END)

    def begin(self, metadata: Metadata) -> None:
        """Begin with the documents of a collection."""
        self._names = {"db": metadata.database, "collection": metadata.collection}
        self._crc = 0

    def add(self, batch: bytes) -> None:
        """Write documents, one behind the other."""
        self._crc = crc64.xz(batch, self._crc)
        self._file.write(encode_in_order(self._names | {"EOF": False, "CRC": Int64(0)}) + batch + _END)

    def end(self) -> None:
        """End with the collection that was begun."""
        signed = self._crc - (1 << 64) if self._crc >> 63 else self._crc
        self._file.write(encode_in_order(self._names | {"EOF": True, "CRC": Int64(signed)}) + _END)


@dataclass(frozen=True, slots=True)
class Arrived:
    """What an archive goes on with.

    database, collection   whose it is
    raw                    a document; None where the collection ends
    """

    database: str
    collection: str
    raw: bytes | None


class ArchiveReader:
    """Reads an archive.

    collections   as the prelude tells them
    """

    def __init__(self, file: InputFile) -> None:
        """Read the prelude. errors: MalformedInput."""
        self._file = file
        self._blocks = BsonBlocks(file)
        if self._blocks.take(4) != MAGIC:
            raise MalformedInput(f"{file.name} is no archive of mongodump")
        header = decode(self._required())
        if header.get("version") != _VERSION:
            raise MalformedInput(f"{file.name}: archives of version {header.get('version')!r} are not known")
        self.collections: list[Metadata] = []
        while (raw := self._until_end()) is not None:
            told = decode(raw)
            database, collection = self._names(told)
            text = str(told.get("metadata") or "").encode()
            self.collections.append(metadata_of(text, database, collection, f"{file.name}, {database}.{collection}"))

    def __iter__(self) -> Iterator[Arrived]:
        """The documents as they come, and the ends of collections.

        errors   MalformedInput: damage, a checksum that does not fit, an end that comes too early
        """
        sums: dict[tuple[str, str], int] = {}
        ended: set[tuple[str, str]] = set()
        while (prefix := self._blocks.take(4)) != b"":
            begin = self._blocks.position_bytes - 4
            header = decode(self._required(prefix))
            names = self._names(header)
            if names in ended:
                raise self._blocks.wrong(begin, f"{'.'.join(names)} goes on behind its end")
            if not header.get("EOF"):
                while (raw := self._until_end()) is not None:
                    sums[names] = crc64.xz(raw, sums.get(names, 0))
                    yield Arrived(*names, raw)
                continue
            if self._until_end() is not None:
                raise self._blocks.wrong(begin, f"documents behind the end of {'.'.join(names)}")
            if sums.get(names, 0) != int(header.get("CRC", 0)) % (1 << 64):
                raise self._blocks.wrong(begin, f"the checksum of {'.'.join(names)} does not fit its documents")
            ended.add(names)
            yield Arrived(*names, None)
        unfinished = [".".join(each) for each in sums if each not in ended]
        if unfinished:
            raise MalformedInput(f"{self._file.name} ends before {', '.join(unfinished)} is whole")
        missing = [
            each
            for each in self.collections
            if each.kind == "collection" and (each.database, each.collection) not in ended
        ]
        if missing:
            names_missing = ", ".join(f"{each.database}.{each.collection}" for each in missing)
            raise MalformedInput(f"{self._file.name} ends before {names_missing}")

    def _required(self, prefix: bytes | None = None) -> bytes:
        raw = self._blocks.document(prefix)
        if raw is None:
            raise self._blocks.wrong(self._blocks.position_bytes, "the file ends too early")
        return raw

    def _until_end(self) -> bytes | None:
        """The next document; None at the bytes that end a run of them."""
        prefix = self._blocks.take(4)
        if prefix == _END:
            return None
        if not prefix:
            raise self._blocks.wrong(self._blocks.position_bytes, "the file ends too early")
        return self._required(prefix)

    def _names(self, header: dict[str, Any]) -> tuple[str, str]:
        names = header.get("db"), header.get("collection")
        if type(names[0]) is not str or type(names[1]) is not str:
            raise self._blocks.wrong(self._blocks.position_bytes, "a header names no collection")
        return names[0], names[1]
