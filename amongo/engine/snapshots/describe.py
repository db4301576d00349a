"""The part of docs/format.md about snapshot files, from the constants in the code; `log.describe` writes the page."""

from __future__ import annotations

from amongo.engine.log.layout import table
from amongo.engine.snapshots.format import (
    BATCH,
    BATCH_LAYOUT,
    BLOCK_COUNT,
    DIRECTORY,
    DOCUMENT_COLUMN,
    ENTRY_COLUMN,
    FORMAT_VERSION,
    HASH_ENDING,
    HASH_HEADER,
    HASH_LAYOUT,
    MANIFEST_HEADER,
    MANIFEST_LAYOUT,
    MANIFEST_NAME,
    NEW_MANIFEST_NAME,
    RECORD_ID_COLUMN,
    SIDECAR_ENDING,
    SIDECAR_HEADER,
    SIDECAR_LAYOUT,
    columns_name,
    rows_name,
    run_name,
)
from amongo.runtime.limits import CHECKED_PAGE_BYTES, SNAPSHOT_BATCH_BYTES, SNAPSHOT_BATCH_COUNT

_TEXT = """\
# Snapshot files

Format version {version}. A checkpoint writes what the collections and their indexes are at one commit of the log into
immutable files; opening a store reads the {manifest} and replays the log behind that commit.

    {manifest}                           names all others that count
    {directory}/{rows}           documents by record id: an Arrow IPC file
    {directory}/{run}            entries of an index: an Arrow IPC file
    {directory}/{run}{hash}       where the entries of a key are, beside the runs of `_id` and unique indexes
    {directory}/{rows}{sidecar}   what must be known of the file without reading it
    {directory}/{columns}        values of single paths: an Arrow IPC file, which can be done without

Numbers of files are used once. A file that the {manifest} does not name is a remnant of a stop and means nothing.

## {manifest} ({manifest_bytes} bytes and a BSON document)

{manifest_rows}

The BSON document has the store's `store_uuid`, the `sequence` of the last commit that the files hold (as a signed
number), `next_file_number`, and for each of the `collections`: `namespace`, `uuid`, `options`, `next_record_id`,
`count`, `data_bytes`, its `rows` files, the runs of its `_id`s (`ids`), its `indexes` (`definition` and `runs`), files
always the oldest first. Each file stands there with its name, its sizes, its counts and the checksum of its sidecar
(`sidecar_xxh3`, as a signed number).

Of its `columns`, which older versions leave out, each file stands there with its `name`, its `size`, `xxh3` (the
XXH3-64 of the XXH3-64s of its pages, as a signed number), `first_id` and `end_id` (first_id <= record id < end_id of
what may be in it), `bound` (what has a record id from there on came later), `rows`, the `paths` (arrays of names; null
for each element of an array), and `stale`: of what has been changed or deleted since, the record ids less `first_id`,
as 4 bytes each.

It is written as {new_manifest}, synced, and renamed; then the directory is synced. Before that, all files that it names
and their directory are.

## Rows

An Arrow IPC file of two columns, `{record_id}` (int64, ascending) and `{document}` (binary: BSON; null: deleted, which
hides what older files have). A record batch holds record ids of one block of {block} (ids that agree in all but the
last {block_bits} bits), and if more than one, less than {batch_bytes} bytes of documents.

## Index run

An Arrow IPC file of one column, `{entry}` (binary, ascending within its kind). Record batches of added entries and of
entries that are marked as removed from older files may stand in any order; the sidecar tells them apart. A batch has at
most {batch_count} entries, and if more than one, less than {batch_bytes} bytes of them. The entries are the index's in
memory: key, record id, type bits (`engine/indexes/entry.py`).

## Sidecar

A header of {sidecar_bytes} bytes:

{sidecar_rows}

then, for each page of {page_bytes} bytes of the Arrow file (the last one may be shorter), the XXH3-64 of the page (8
bytes); the same for the pages of the hash table; then for each record batch {batch_entry_bytes} bytes:

{batch_rows}

Added entries come first there, in their order, then removed ones. In the sidecar of a run follow the last added entry
and the *fences*, each with its length (4 bytes) before it. A fence is, for every batch, bytes that are not greater than
any of its entries, and greater than every entry of the batch of its kind before; of a first batch, its first entry.

In the sidecar of a rows file follow two blocks, each with its length (4 bytes) before it: the origin, a BSON document
with the `namespace`, `uuid`, `options` and `indexes` (definitions) of the collection as they were when the file was
written, the `sequence` up to which the file knows of it, and `first_number` (the file takes the place of all of the
collection's files from that number up to its own; 0: of none); and the XXH3-64 of the sidecar up to there. So it can be
told whose documents these are without the {manifest}.

## Hash table

{hash_rows}

then a slot for every added entry (4 bytes), in the order of the XXH3-64 of the entries' keys; then for every bucket the
number of its first slot (4 bytes), and the number of slots. The first bits of the hash are the bucket. The low
`number_bits` bits of a slot are the number of the entry in the run, the others the last bits of the hash.

## Columns

An Arrow IPC file of one record batch, with a row for each record: `{record_id}` (int64, ascending); for path number n
`n.tags` (int8: the number of the BSON type, 0 where the path leads nowhere, 100 where an array stands on its way) and,
for each slot that occurs, `n.` and the name of the slot, null in all other rows (`engine/columns/column.py`); for a
path with null (each element of an array) one column `n`, lists of structs of these. The paths and the facts of their
values stand in the metadata of the schema under `amongo`, as a BSON document. The file is verified as a whole before it
is used; one that is missing or does not verify is made anew and is no damage.

## Damage

A page is verified before the first byte of it is used. A page, a sidecar or a {manifest} that does not verify, a file
of another size than the {manifest} says, or one that is missing, is an error that names the file, and the offset of
the page.
"""


def describe_snapshots() -> str:
    """The text on snapshot files."""
    return _TEXT.format(
        version=FORMAT_VERSION,
        manifest=MANIFEST_NAME,
        new_manifest=NEW_MANIFEST_NAME,
        directory=DIRECTORY,
        rows=rows_name(1),
        run=run_name(2),
        hash=HASH_ENDING,
        sidecar=SIDECAR_ENDING,
        columns=columns_name(3),
        manifest_bytes=MANIFEST_HEADER.size,
        manifest_rows=table(MANIFEST_LAYOUT),
        record_id=RECORD_ID_COLUMN,
        document=DOCUMENT_COLUMN,
        entry=ENTRY_COLUMN,
        block=BLOCK_COUNT,
        block_bits=BLOCK_COUNT.bit_length() - 1,
        batch_bytes=f"{SNAPSHOT_BATCH_BYTES:,}",
        batch_count=SNAPSHOT_BATCH_COUNT,
        sidecar_bytes=SIDECAR_HEADER.size,
        sidecar_rows=table(SIDECAR_LAYOUT),
        page_bytes=CHECKED_PAGE_BYTES,
        batch_entry_bytes=BATCH.size,
        batch_rows=table(BATCH_LAYOUT),
        hash_rows=f"A header of {HASH_HEADER.size} bytes:\n\n{table(HASH_LAYOUT)}",
    )
