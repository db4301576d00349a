"""Writes docs/format.md from the constants in the code: `python -m amongo.engine.log.describe docs/format.md`.

The page's second part, on snapshot files, comes from `amongo.engine.snapshots.describe`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from amongo.engine.files.interface import LOCK_NAME
from amongo.engine.files.mapped import IN_PLACE
from amongo.engine.log.format import (
    COMMIT,
    ENTRY_LAYOUT,
    FORMAT_VERSION,
    FRAME_HEADER_BYTES,
    FRAME_LAYOUT,
    HEADER_BYTES,
    HEADER_LAYOUT,
    KINDS,
    LOG_DIRECTORY,
    MARK,
    MARK_LAYOUT,
    file_name,
)
from amongo.engine.log.layout import table
from amongo.engine.snapshots.describe import describe_snapshots
from amongo.engine.snapshots.format import DIRECTORY, MANIFEST_NAME
from amongo.runtime.limits import (
    FRAME_BYTES,
    LOG_FILE_BYTES,
    RESERVED_BYTES_LEAST,
    RESERVED_BYTES_MOST,
    SYNC_INTERVAL_S,
)

_TEXT = """\
<!-- Written by `python -m amongo.engine.log.describe docs/format.md`. Edit that module, not this file. -->

# What a store's files hold, byte by byte

Format version {version}. All numbers are little-endian; fields follow each other without gaps.

    {lock_name}              holds the owner's process id; the owner has an exclusive flock on it
    amongo.sock       where other processes reach the owner: a socket that holds nothing
    {log}/{first}   the log's first file
    {log}/{second}   the next, and so on without gaps
    {manifest}          the current checkpoint, if there has been one
    {directory}/        the files that it names

# The log

A new file is begun when one has passed {file_bytes} bytes (a setting).

## File header ({header_bytes} bytes)

{header_rows}

The size, `magic`, `version` and `xxh3` stand at the same place in every format version. A file of a newer version is
refused by that name; nothing else of it is looked at.

## Frame

Frames follow the file header back to back up to the end of the file, or to where nothing but zeros follows: space that
was reserved ahead. A frame is this header of {frame_header_bytes} bytes and its payload:

{frame_rows}

`length` is at most {frame_bytes}. XXH3-64 is the 64-bit XXH3 of xxHash 0.8 without seed or secret, in its canonical
form: big-endian, unlike the numbers.

- **{commit}** (kind {commit_kind}): one commit, that is one write, one batch, or one transaction. Its payload is one or
  more entries. `sequence` is greater than that of every commit before it.
- **{mark}** (kind {mark_kind}): how far the log had been synced when the mark was written. It repeats the sequence of
  the commit before it.

## Entry

The payload of a commit is a row of entries. An entry is this header:

{entry_rows}

then the *head*, a BSON document, then `count` BSON documents back to back, as the client has encoded them. The head has
the oplog's fields:

| `op` | documents that follow |
| --- | --- |
| `"i"` insert | the inserted documents; record ids count up from `record_id` |
| `"u"` update | the document after the update; then, if the update has one, its description |
| `"d"` delete | a document with the `_id` alone |
| `"c"` command | none; the command is `o` in the head |
| `"n"` no operation | none |
| `"s"` origin | none, or the document that a findAndModify gave back |

Beside `op` there are `ns` (namespace) and `ui` (the collection's UUID, a Binary of subtype 4). Entries `"u"` and `"d"`
of a collection that keeps pre-images (`changeStreamPreAndPostImages`) have `pre: true`, and the document as it was
before as their last.

A commit of a retryable write or of a transaction begins with an entry of kind `"s"`, which speaks of all entries behind
it: `lsid` (`id` and `uid`), `txnNumber`, `transaction: true` for a transaction, `stmtIds` for the statements of a
retryable write, in runs (first, last, first, last, …) and in the order of the documents; `upsert: true` where the
inserted document was not given as such; `image` ("pre" or "post") where a findAndModify gave back the document.
Recovery remembers by it what has been done; a checkpoint holds what is remembered (`retries` in the MANIFEST's
`more`): for each session `id`, `user` (the digest of its user, of one that is somebody's), `number`, `last_s` (seconds
since 1970 UTC), `transaction`, and in `done` the runs of statements: `first`, `last`, `op`, and `id`, `image`,
`document` where there are any.

An insert into a capped collection and the deletes of what it pushes out are entries of one commit, in this order. The
command `convertToCapped` is carried out again at recovery: the new collection (`uuid`, `options`) takes the place of
`ui` with the last `kept` of its documents in natural order, numbered from 1.

Of an index the log holds the definition alone, as listIndexes shows it: `createIndexes` has its fields behind the
collection's name, one entry an index; `dropIndexes` names it, with what it was in the head's `o2`; `collMod` has the
whole new one as `index`. Its keys follow from the documents.

For change streams alone, `o2` says what a command found: `dropDatabase` the `collections` (`name` and `ui` of each),
`collMod` the `options` and the `index` as they were and what was `asked` for, `createIndexes` how many `documents`
there were.

## Mark

{mark_rows}

## What is promised when

- A write concern of `w: 1` is acknowledged when the operating system has the whole frame in its page cache: the commit
  survives the death of the process. On Linux, on file systems that write in place ({in_place}), small frames are
  copied into a shared memory map of the file, with blocks reserved first, so that a full disk is an error of the write;
  elsewhere there is one `write` for a frame.
- `j: true` is acknowledged after an fsync that began later: the commit survives a power loss. One fsync serves all who
  wait. While anything is unsynced, there is an fsync at least every {sync_ms} ms.
- After each fsync a mark is written, without an fsync of its own. Closing the log syncs the last mark.
- Closing a file cuts off the space reserved behind its last frame. After the death of the process, or a power loss, it
  may stay: zeros, up to {reserved_most} bytes of them ({reserved_least} in a small file).
- The first file's header and name are durable before anything is reserved or written behind it. The name of a later
  file is durable before it is used; its header is written in one step with the change to it, its `first_sequence` being
  one more than the last sequence of the file before. The file before is synced next, then a mark in the new file says
  so (offset 0). A file is synced before the file after the next is begun.

## Opening after a stop

Files are read in order. A *bad place* is the first byte in a file where no frame verifies (length, checksum, kind, an
increasing sequence), a header that does not verify, or the end of a file that the next file's `first_sequence` does not
follow on. Zeros up to the end of a file are no bad place in themselves, and no loss: opening cuts them off the last
file and says nothing.

1. The bad place is **damage**, and the store is refused with file and offset, if it had been synced: if a mark behind
   it, in its file or a later one, says so; if two files or more follow its file; or if it is the header of the first
   file and anything follows.
2. Otherwise it is a **torn tail**: nothing from there on was ever acknowledged as durable. It is cut off, with the file
   that may follow, even where single frames behind it verify: a commit is kept only with all commits before it.
3. A file missing between two others, or one with another store's `store_uuid`, is damage.
4. What lies behind the furthest mark is written anew over itself and synced before the log takes a frame, for the last
   process may have stopped over a failed fsync. If the log ends with that mark, the mark is written anew before the
   next frame: it proves what stands before it, but not itself.

With a checkpoint at a commit, reading begins at the place where that commit ended, a file's number and an offset; that
place had been synced before the checkpoint counted. Of the files before it, the headers alone are read. The first files
may have been removed, one after the other from the oldest, each durably: the log must hold every commit after the
checkpoint and may begin with any file that does.

What this cannot see: damage behind the last mark that reached the disk looks like a torn tail, or, where it left
nothing but zeros, like the end.

## Failed writes

A write that fails is truncated away, and the commit with it. If that fails too, or if an fsync fails, the log takes no
more frames until the store is opened again; reads go on. A failed fsync is never tried again: it fails all who wait.

{snapshots}"""


def describe() -> str:
    """The text of docs/format.md."""
    return _TEXT.format(
        version=FORMAT_VERSION,
        lock_name=LOCK_NAME,
        log=LOG_DIRECTORY,
        first=file_name(1),
        second=file_name(2),
        file_bytes=f"{LOG_FILE_BYTES:,}",
        header_bytes=HEADER_BYTES,
        header_rows=table(HEADER_LAYOUT),
        frame_header_bytes=FRAME_HEADER_BYTES,
        frame_rows=table(FRAME_LAYOUT),
        frame_bytes=f"{FRAME_BYTES:,}",
        commit=KINDS[COMMIT],
        commit_kind=COMMIT,
        mark=KINDS[MARK],
        mark_kind=MARK,
        entry_rows=table(ENTRY_LAYOUT),
        mark_rows=table(MARK_LAYOUT),
        in_place=", ".join(sorted(IN_PLACE)),
        reserved_least=f"{RESERVED_BYTES_LEAST:,}",
        reserved_most=f"{RESERVED_BYTES_MOST:,}",
        sync_ms=f"{SYNC_INTERVAL_S * 1000:.0f}",
        manifest=MANIFEST_NAME,
        directory=DIRECTORY,
        snapshots=describe_snapshots(),
    )


if __name__ == "__main__":
    if len(sys.argv) == 2:
        Path(sys.argv[1]).write_text(describe(), encoding="utf-8")
    else:
        sys.stdout.write(describe())
