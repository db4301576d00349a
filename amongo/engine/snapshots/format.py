"""The bytes of snapshot files: names, the sidecar, the hash table, the MANIFEST.

A snapshot file is immutable. Rows and runs are Arrow IPC files, which any program that knows Arrow reads; beside each
stands a sidecar with what must be known without reading the file. Of all that is read, the sidecar's checksum stands in
the MANIFEST, the checksums of the pages stand in the sidecar, and the MANIFEST has its own: nothing is believed that
does not verify.
"""

from __future__ import annotations

import re
from typing import Final

from amongo.engine.log.layout import Field, Layout
from amongo.runtime.limits import CHECKED_PAGE_BYTES, SNAPSHOT_BATCH_COUNT

FORMAT_VERSION: Final = 1
DIRECTORY: Final = "snapshots"
MANIFEST_NAME: Final = "MANIFEST"
NEW_MANIFEST_NAME: Final = "MANIFEST.new"
SIDECAR_ENDING: Final = ".sidecar"
HASH_ENDING: Final = ".hash"
ROWS_ENDING: Final = ".rows.arrow"
RUN_ENDING: Final = ".run.arrow"
COLUMNS_ENDING: Final = ".columns.arrow"

MANIFEST_MAGIC: Final = b"amongoMF"
SIDECAR_MAGIC: Final = b"amongoSC"
HASH_MAGIC: Final = b"amongoKH"

ROWS: Final = 1
RUN: Final = 2
KINDS: Final = {ROWS: "rows", RUN: "index run"}

BLOCK_BITS: Final = 12
BLOCK_COUNT: Final = 1 << BLOCK_BITS
assert BLOCK_COUNT == SNAPSHOT_BATCH_COUNT

RECORD_ID_COLUMN: Final = "record_id"
DOCUMENT_COLUMN: Final = "document"
ENTRY_COLUMN: Final = "entry"

MANIFEST_LAYOUT: Final = Layout(
    "MANIFEST header",
    (
        Field("magic", "8s", f"the bytes `{MANIFEST_MAGIC.decode()}`"),
        Field("version", "I", f"format version of the snapshot files and of this one, now {FORMAT_VERSION}"),
        Field("length", "Q", "bytes of the BSON document that follows this header, up to the end of the file"),
        Field("xxh3", "Q", "XXH3-64 of the bytes before it and of the BSON document"),
    ),
)
SIDECAR_LAYOUT: Final = Layout(
    "Sidecar header",
    (
        Field("magic", "8s", f"the bytes `{SIDECAR_MAGIC.decode()}`"),
        Field("version", "I", "format version, as in the MANIFEST"),
        Field("kind", "I", "; ".join(f"{number} = {name}" for number, name in KINDS.items())),
        Field("file_bytes", "Q", "size of the Arrow file"),
        Field("hash_bytes", "Q", "size of the hash table; 0 if there is none"),
        Field("first_id", "q", "rows: the first record id; otherwise 0"),
        Field("last_id", "q", "rows: the last record id; otherwise 0"),
        Field("documents", "Q", "documents, or entries that are added"),
        Field("marks", "Q", "record ids that are marked as deleted, or entries that are marked as removed"),
        Field("contents_bytes", "Q", "bytes of the documents, or of the added entries"),
        Field("batches", "I", "record batches"),
        Field("mark_batches", "I", "index run: of these, the batches of removed entries, which stand last; rows: 0"),
        Field("longest", "Q", "length of the longest record batch with its message header, in bytes"),
        Field("buckets", "I", "buckets of the hash table, a power of two; 0 if there is none"),
        Field("number_bits", "I", "bits of an entry's number in a slot of the hash table"),
    ),
)
BATCH_LAYOUT: Final = Layout(
    "Record batch",
    (
        Field("at", "Q", "offset of its message in the Arrow file"),
        Field("first", "q", "rows: its first record id; index run: the number of its first entry"),
        Field("last", "q", "rows: its last record id; index run: the number of its last entry"),
        Field("length", "I", "bytes of the message"),
        Field("rows", "I", "rows of the batch"),
        Field("marks", "I", "rows of the batch that are marks"),
        Field("ids", "I", "rows: offset of the record ids, from the message's beginning; index run: 0"),
        Field("validity", "I", "offset of the bitmap that has a 0 for each mark; 0 if there is none"),
        Field("offsets", "I", "offset of the value offsets (int32)"),
        Field("values", "I", "offset of the values, that is the documents or the entries"),
    ),
)
HASH_LAYOUT: Final = Layout(
    "Hash table header",
    (
        Field("magic", "8s", f"the bytes `{HASH_MAGIC.decode()}`"),
        Field("buckets", "I", "as in the sidecar"),
        Field("number_bits", "I", "as in the sidecar"),
    ),
)

PAGE_BITS: Final = CHECKED_PAGE_BYTES.bit_length() - 1
assert CHECKED_PAGE_BYTES == 1 << PAGE_BITS

MANIFEST_HEADER: Final = MANIFEST_LAYOUT.struct()
SIDECAR_HEADER: Final = SIDECAR_LAYOUT.struct()
BATCH: Final = BATCH_LAYOUT.struct()
HASH_HEADER: Final = HASH_LAYOUT.struct()

assert SIDECAR_HEADER.size % 8 == 0 and BATCH.size % 4 == 0 and HASH_HEADER.size % 4 == 0

_FILE_NAME = re.compile(r"(\d{10})(\.rows\.arrow|\.run\.arrow|\.columns\.arrow)(\.sidecar|\.hash)?")


def rows_name(number: int) -> str:
    """Name of the rows file of this number within the directory of snapshot files."""
    return f"{number:010d}{ROWS_ENDING}"


def run_name(number: int) -> str:
    """Name of the index run of this number within the directory of snapshot files."""
    return f"{number:010d}{RUN_ENDING}"


def columns_name(number: int) -> str:
    """Name of the file of columns of this number within the directory of snapshot files."""
    return f"{number:010d}{COLUMNS_ENDING}"


def names_beside(name: str) -> tuple[str, ...]:
    """The names of all files that may belong to a rows file or an index run of this name or path, itself included."""
    return name, name + SIDECAR_ENDING, name + HASH_ENDING


def snapshot_file_number(name: str) -> int | None:
    """The number in the name of a snapshot file, sidecar or hash table; None for any other name."""
    match = _FILE_NAME.fullmatch(name)
    return int(match[1]) if match else None


def page_count(size: int) -> int:
    """Checked pages of a file of this size in bytes."""
    return (size + CHECKED_PAGE_BYTES - 1) >> PAGE_BITS
