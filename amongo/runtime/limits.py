"""Every maximum, with its unit and where it comes from.

"manual" is the MongoDB manual's page "MongoDB Limits and Thresholds"; "hello" are the values a server announces;
"amongo" is ours.
"""

from typing import Final

# Documents and commands
DOCUMENT_BYTES: Final = 16 * 1024 * 1024  # manual, BSON Document Size
COMMAND_BYTES: Final = DOCUMENT_BYTES + 16 * 1024  # manual: a command may exceed a document by 16 KiB
MESSAGE_BYTES: Final = 48_000_000  # hello, maxMessageSizeBytes
WRITE_BATCH_COUNT: Final = 100_000  # hello, maxWriteBatchSize
NESTING_DEPTH: Final = 100  # manual, Nested Depth for BSON Documents
BSON_DEPTH: Final = 200  # server, maxBSONDepth: what no BSON may exceed, stored or not
PATH_COMPONENTS: Final = BSON_DEPTH  # server: a longer path reaches nothing
BACKFILL_COUNT: Final = 1_500_000  # server: nulls that one update puts before a new array element

# Regular expressions
PATTERN_BYTES: Final = 32_764  # manual, $regex: the longest pattern
SEARCH_S: Final = 1.0  # amongo: one search in one string; the server stops after 10 million steps of matching

# What a server says of itself
WIRE_VERSION: Final = 25  # hello of MongoDB 8.0, maxWireVersion

# Names
NAMESPACE_BYTES: Final = 255  # manual, Namespace Length (database, dot and collection)
DATABASE_NAME_BYTES: Final = 63  # manual, Length of Database Names

# Cursors
FIRST_BATCH_COUNT: Final = 101  # manual, cursor.batchSize
BATCH_BYTES: Final = DOCUMENT_BYTES  # manual: a batch stays under 16 MiB
CURSOR_IDLE_MS: Final = 600_000  # manual, cursorTimeoutMillis
OPEN_CURSORS: Final = 100_000  # amongo: a leak shows as an error and not as lost memory

# Sessions
SESSION_IDLE_MINUTES: Final = 30  # hello, logicalSessionTimeoutMinutes
OPEN_SESSIONS: Final = 1_000_000  # manual, maxSessions

# The event loop
LOOP_SLICE_S: Final = 0.0008  # amongo: work done at once on the loop before others get their turn
LOOP_TURN_OPERATIONS: Final = 16  # amongo: operations that one turn of a busy loop lets through
LOOP_BATCH_COUNT: Final = 128  # amongo: operations that wait for their turn and are then done by one call
LOOP_BATCH_BYTES: Final = 128 * 1024  # amongo: a batch of such operations is full with this many bytes
LOOP_HOLD_S: Final = 0.002  # amongo: what is done once for many operations waits this long for those that queue
LOOP_DOCUMENTS: Final = 64  # amongo: a read that examines more documents than this goes to a worker
CODEC_SLICE_BYTES: Final = 32 * 1024  # amongo: BSON encoded or decoded in one go on the loop (about 0.3 ms)
CODEC_SLICE_COUNT: Final = 128  # amongo: documents, at most

# Workers
WORKER_THREADS: Final = 8  # amongo: operations that run on threads at one time, the others wait in order
WORKER_IDLE_S: Final = 10.0  # amongo: a worker thread that has had nothing to do for this long ends
BREATH_INTERVAL_S: Final = 0.001  # amongo: a worker lets other threads run this often
BREATH_S: Final = 0.00005  # amongo: for this long
SORT_BUCKET_COUNT: Final = 1000  # amongo: items that a worker sorts before it lets other threads run
SORT_BUCKETS: Final = 2000  # amongo: past this many, they grow
CHECK_DOCUMENTS: Final = 64  # amongo: a loop over documents checks for interruption this often

# The log
LOG_FILE_BYTES: Final = 256 * 1024 * 1024  # amongo: a log file is closed and the next begun past this size
FRAME_BYTES: Final = 1024 * 1024 * 1024  # amongo: a longer frame is damage, not data
RESERVED_BYTES_LEAST: Final = 1024 * 1024  # amongo: space reserved ahead in a log file, as much again as it is long,
RESERVED_BYTES_MOST: Final = 16 * 1024 * 1024  # but within these two: reserving is rare, and a small store stays small
MAPPED_WINDOW_BYTES: Final = 256 * 1024  # amongo: so much of a log file is mapped at a time and counts as our memory
MAPPED_BLOCK_BYTES: Final = 2048  # amongo: of a longer block, the page faults of a map cost more than a system call
SYNC_INTERVAL_S: Final = 0.1  # manual, journaling: unsynced writes reach the disk within 100 ms
UPDATE_BATCH_COUNT: Final = 1000  # amongo: documents that one frame of an update-many or delete-many holds
LAYOUT_STRING_BYTES: Final = 256  # amongo: strings up to here are scanned, longer ones are leapt over
UPDATE_LAYOUTS: Final = 4  # amongo: layouts of documents that each of these shapes remembers
UPDATE_SHAPES: Final = 1000  # amongo: shapes of updates that the parser remembers
WRITE_ATTEMPTS: Final = 1000  # amongo: times that a write starts anew because others changed its document

# Memory
BLOCKING_STAGE_BYTES: Final = 100 * 1024 * 1024  # manual, Memory Restrictions of pipeline stages and of sort
