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
NESTING_DEPTH: Final = 180  # server, BSONDepth: levels of a stored document (the manual still says 100)
FILTER_DEPTH: Final = 100  # server: filters inside one another
BSON_DEPTH: Final = 200  # server, maxBSONDepth: documents and arrays inside one another below the outermost document
PATH_COMPONENTS: Final = BSON_DEPTH  # server: a longer path reaches nothing
NEAR_KEY_COMPONENTS: Final = 180  # server: of the field that $geoNear measures
BACKFILL_COUNT: Final = 1_500_000  # server: nulls that one update puts before a new array element

# Views
VIEW_DEPTH: Final = 20  # server: views on views
VIEW_PIPELINE_BYTES: Final = 16_000_000  # server: the pipelines of a view and of those below it

# Time series
BUCKET_MEASUREMENTS: Final = 1000  # server, timeseriesBucketMaxCount
OPEN_BUCKETS: Final = 10_000  # amongo: metadata of one collection whose buckets take further measurements
BUCKETS_OF_METADATA: Final = 16  # amongo: the last buckets of one metadata do

# Regular expressions
PATTERN_BYTES: Final = 16_384  # server 8.0: the longest pattern (the manual still says 32764)
COMPILED_PATTERN_BYTES: Final = 65_536  # PCRE2 with links of two bytes: what a pattern may be compiled to
PATTERN_DEPTH: Final = 250  # PCRE2: nested parentheses
PATTERN_REPEATS: Final = 65_535  # PCRE2: the greatest number in a quantifier
LOOKBEHIND_LENGTH: Final = 65_535  # PCRE2: characters
SEARCH_S: Final = 0.5  # amongo: one search in one string; the server stops after 10 million steps of matching
QUICK_SEARCH_STEPS: Final = 4e6  # amongo: about 20 ms; a search that cannot take more needs no clock

# Accounts of failed validations
ACCOUNT_BYTES: Final = 12 * 1024 * 1024  # server: a larger one leaves out operands and values
ACCOUNT_DEPTH: Final = BSON_DEPTH - 5  # server: room for the reply around it
ACCOUNT_VALUES: Final = 10  # server, internalQueryMaxDocValidationErrorConsideredValues

# What a server says of itself
WIRE_VERSION: Final = 25  # hello of MongoDB 8.0, maxWireVersion

# Names
NAMESPACE_BYTES: Final = 255  # manual, Namespace Length (database, dot and collection)
DATABASE_NAME_BYTES: Final = 63  # manual, Length of Database Names

# Indexes
INDEX_COUNT: Final = 64  # manual, Number of Indexes per Collection
INDEX_PATTERN_BYTES: Final = 2048  # server: a key pattern as BSON
INDEX_FIELDS: Final = 32  # manual, Number of Indexed Fields in a Compound Index
INDEX_CATCH_UP_COUNT: Final = 256  # amongo: records that the end of an index build handles under the store's lock
QUICK_DOCUMENT_BYTES: Final = 16 * 1024  # amongo: a document up to here is indexed on the event loop
INDEX_BUILD_BATCH_COUNT: Final = 64  # amongo: documents whose keys an index build makes together
INDEX_CATCH_UPS: Final = 8  # amongo: times that an index build goes after what was written meanwhile, without the lock
EXPIRY_INTERVAL_S: Final = 60.0  # manual, TTL Indexes: the background task runs every 60 seconds
EXPIRY_BATCH_COUNT: Final = 256  # amongo: expired documents that one commit deletes
TEXT_STEMS: Final = 20_000  # amongo: words of a language whose stems are remembered
TEXT_WEIGHT: Final = 1_000_000_000  # server: a weight in a text index stays under this

# Clustered collections
RECORD_KEY_BYTES: Final = 8 * 1024 * 1024  # server: the key of a record that is made of its `_id`

# Cursors
FIRST_BATCH_COUNT: Final = 101  # manual, cursor.batchSize
BATCH_BYTES: Final = DOCUMENT_BYTES  # manual: a batch stays under 16 MiB
CURSOR_IDLE_MS: Final = 600_000  # manual, cursorTimeoutMillis
AWAIT_DATA_MS: Final = 1000  # server: a getMore without maxTimeMS waits so long for a tailable cursor's next document
OPEN_CURSORS: Final = 100_000  # amongo: a leak shows as an error and not as lost memory

# Change streams
STREAM_COMMITS: Final = 64  # amongo: commits that a change stream reads at a time
STREAM_WAIT_MS: Final = 60_000  # amongo: who wants the next change asks again after this time
STREAM_LOOK_S: Final = 0.1  # amongo: a look of a change stream on a worker gives what it has found by then
NEWS_BYTES: Final = 2 * 1024 * 1024  # amongo: of commits, past which all who wait are woken, and none falls behind
SHARED_BYTES: Final = 8 * 1024 * 1024  # amongo: of the last commits, for which streams keep what others want as well,
LONG_COMMIT_COUNT: Final = 1024  # amongo: the events of a commit of more documents are made on workers
SHARED_EVENTS: Final = 64  # of so many documents at most: longer ones each stream goes through by itself

# Sessions
SESSION_IDLE_MINUTES: Final = 30  # hello, logicalSessionTimeoutMinutes
TRANSACTION_LIFETIME_S: Final = 60  # manual, transactionLifetimeLimitSeconds
TRANSACTION_BYTES_PER_READ: Final = 128  # amongo: of its writes are committed in the time of reading one document
TRANSACTION_RETRY_S: Final = 120  # the drivers' convenient API of transactions: `with_transaction` gives up then
TRANSACTION_BACKOFF_S: Final = 0.005  # the same: before the first retry, less by chance; half as much again each time,
TRANSACTION_BACKOFF_MOST_S: Final = 0.5  # and no more than this
OPEN_SESSIONS: Final = 1_000_000  # manual, maxSessions
SNAPSHOT_WINDOW_S: Final = 300.0  # server, minSnapshotHistoryWindowInSeconds: how long a snapshot can be read again
SNAPSHOTS: Final = 32  # amongo: moments that are kept for it, the latest
CLUSTER_TIME_DRIFT_S: Final = 31_536_000  # server, maxAcceptableLogicalClockDriftSecs: a year
RETRY_IMAGE_BYTES: Final = 32 * 1024 * 1024  # amongo: documents that findAndModify gave back, kept for a retry

# Diagnosis
MEASURED_NAMESPACES: Final = 10_000  # amongo: usages are kept of so many; those of namespaces that are gone go first
SHOWN_COMMAND_BYTES: Final = 1024  # manual, $currentOp, truncateOps

# The event loop
LOOP_SLICE_S: Final = 0.0008  # amongo: work done at once on the loop before others get their turn
LOOP_TURN_OPERATIONS: Final = 16  # amongo: operations that one turn of a busy loop lets through,
LOOP_TURN_S: Final = 0.002  # and of turns that take longer than this, fewer
LOOP_BATCH_COUNT: Final = 128  # amongo: operations that wait for their turn and are then done by one call
LOOP_BATCH_BYTES: Final = 128 * 1024  # amongo: a batch of such operations is full with this many bytes
LOOP_HOLD_S: Final = 0.002  # amongo: what is done once for many operations waits this long for those that queue
LOOP_PATIENCE_S: Final = 0.004  # amongo: who follows lets others go first for this long at most
LOOP_ROOM_S: Final = 0.00002  # amongo: between two slices a busy loop lets go of the interpreter for its workers
LOOP_DOCUMENTS: Final = 64  # amongo: a read that examines more documents than this goes to a worker
LOOP_COMMAND_BYTES: Final = 32 * 1024  # amongo: a longer command is parsed on a worker
CODEC_SLICE_BYTES: Final = 32 * 1024  # amongo: BSON encoded or decoded in one go on the loop (about 0.3 ms)
CODEC_SLICE_COUNT: Final = 128  # amongo: documents, at most

# Collations
COLLATORS: Final = 256  # amongo: collations whose collator is remembered
SLOW_KEYS: Final = 16_384  # amongo: sort keys that a collator without ICU remembers,
SLOW_KEY_LENGTH: Final = 64  # of strings up to so many characters
SLOW_KEY_DOCUMENTS: Final = 500  # amongo: in the time of one such key, so many documents are looked at

# Workers
WORKER_THREADS: Final = 8  # amongo: operations that run on threads at one time, the others wait in order
WORKER_IDLE_S: Final = 10.0  # amongo: a worker thread that has had nothing to do for this long ends
BREATH_INTERVAL_S: Final = 0.001  # amongo: a worker lets other threads run this often
BREATH_S: Final = 0.00005  # amongo: for this long
SORT_BUCKET_COUNT: Final = 1000  # amongo: items that a worker sorts before it lets other threads run
SORT_BUCKETS: Final = 2000  # amongo: past this many, they grow
CHECK_DOCUMENTS: Final = 64  # amongo: a loop over documents checks for interruption this often
CHECK_ITEMS: Final = 1024  # amongo: and loops within one document after so many items

# The log
LOG_FILE_BYTES: Final = 16 * 1024 * 1024  # amongo: a log file is closed and the next begun past this size
LOG_RETAINED_BYTES: Final = 32 * 1024 * 1024  # amongo: about so much of the log is kept behind a checkpoint
LOG_RETAINED_HOURS: Final = 0.0  # manual, storage.oplogMinRetentionHours: by size alone
MEMORY_HISTORY_BYTES: Final = 32 * 1024 * 1024  # amongo: of the last commits, that a store in memory keeps for readers
LOG_HISTORY_BYTES: Final = 8 * 1024 * 1024  # amongo: of those that a store on disk keeps in memory while it is watched
RECENT_PIECE_BYTES: Final = 512 * 1024  # amongo: so much of them goes at a time,
RECENT_COMMIT_BYTES: Final = 512  # and what one takes beside its documents,
RECENT_SHARED_PIECES: Final = 8  # and so many of the last keep what readers have made of their commits
HISTORY_READ_BYTES: Final = 256 * 1024  # amongo: about so much is read of the log's files at a time,
HISTORY_NEAR_BYTES: Final = 64 * 1024  # amongo: so much that nobody has parsed of the commits in memory,
HISTORY_QUICK_BYTES: Final = 32 * 1024  # and a commit so long at most is parsed on the event loop
MEMO_COMMITS: Final = 1024  # amongo: the change events of so many commits are kept, for one stream after the other,
MEMO_COMMIT_BYTES: Final = 16 * 1024  # where the documents of a commit are not longer together
OPLOG_BATCH_BYTES: Final = 12 * 1024 * 1024  # amongo: a document of the oplog holds operations of about so much
TRANSACTION_BYTES: Final = 256 * 1024 * 1024  # amongo: what a transaction writes; the server has no limit since 4.2
CHECKPOINT_BYTES: Final = 128 * 1024 * 1024  # amongo: so much of the log is written before the next checkpoint
CLOSING_CHECKPOINT_BYTES: Final = 1024 * 1024  # amongo: a store with less in its log is closed without one
CHECKPOINT_INTERVAL_S: Final = 60.0  # amongo: after this time a checkpoint is made of less
RECENT_READS: Final = 8192  # amongo: documents from snapshot files that point reads on a collection keep at hand,
RECENT_READ_BYTES: Final = 4096  # and how long each may be
WINDOW_BYTES: Final = 4 * 1024 * 1024  # amongo: about so much a scan brings up from snapshot files at a time
FRAME_BYTES: Final = 1024 * 1024 * 1024  # amongo: a longer frame is damage, not data
RESERVED_BYTES_LEAST: Final = 1024 * 1024  # amongo: space reserved ahead in a log file, as much again as it is long,
RESERVED_BYTES_MOST: Final = 16 * 1024 * 1024  # but within these two: reserving is rare, and a small store stays small
MAPPED_WINDOW_BYTES: Final = 256 * 1024  # amongo: so much of a log file is mapped at a time and counts as our memory
MAPPED_BLOCK_BYTES: Final = 2048  # amongo: of a longer block, the page faults of a map cost more than a system call
SYNC_INTERVAL_S: Final = 0.1  # manual, journaling: unsynced writes reach the disk within 100 ms
UPDATE_BATCH_COUNT: Final = 1000  # amongo: documents that one frame of an update-many or delete-many holds
LAYOUT_STRING_BYTES: Final = 256  # amongo: strings up to here are scanned, longer ones are leapt over
READ_LAYOUTS: Final = 4  # amongo: layouts of documents that the reader of some of their fields remembers
UPDATE_LAYOUTS: Final = 4  # amongo: layouts of documents that each of these shapes remembers
EXPLODED_SCANS: Final = 200  # server, internalQueryMaxScansToExplode: scans that are merged for the sake of their order
PLAN_CACHE_SHAPES: Final = 500  # amongo: shapes of queries on one collection whose possible plans are remembered
UPDATE_SHAPES: Final = 1000  # amongo: shapes of updates that the parser remembers
WRITE_ATTEMPTS: Final = 1000  # amongo: times that a write starts anew because others changed its document

# Snapshot files
SNAPSHOT_BATCH_COUNT: Final = 4096  # amongo: documents or index entries in one Arrow record batch
SNAPSHOT_BATCH_BYTES: Final = 2 * 1024 * 1024  # amongo: a record batch of more than one document or entry stays under
CHECKED_PAGE_BYTES: Final = 64 * 1024  # amongo: so much of a snapshot file is verified at a time, when first touched
SNAPSHOT_SYNC_BYTES: Final = 32 * 1024 * 1024  # amongo: a file being written is synced so often: short fsyncs
KEY_HASH_SEGMENT_COUNT: Final = 256 * 1024  # amongo: hashes of keys that are sorted at a time
MERGE_RELEASE_BYTES: Final = 64 * 1024 * 1024  # amongo: a compaction gives back what it has read this often
MAP_WINDOW_BYTES: Final = 1024 * 1024 * 1024  # amongo: of a longer file, parts of this size are mapped
MAP_WINDOW_BYTES_SMALL: Final = 16 * 1024 * 1024  # amongo: and of this one where the address space is limited
MAP_WINDOWS_SMALL: Final = 4  # amongo: as many of these a file

# Columns
COLUMN_BYTES: Final = 1024 * 1024 * 1024  # amongo: what the columns of a store may take in memory
COLUMN_SHRED_BYTES: Final = 64 * 1024 * 1024  # amongo: documents that are turned into columns in one go, in bytes
COLUMN_SHRED_COUNT: Final = 32_768  # amongo: and changed ones, at most
COLUMN_DEBT_SHARE: Final = 4  # amongo: columns that lack more than one in so many records are let go,
COLUMN_DEBT_COUNT: Final = 4096  # but not for so few
COLUMN_FILE_COUNT: Final = 32_768  # amongo: of a collection with fewer documents, columns are not written to files
COLUMN_FILE_BUILT_COUNT: Final = 4  # amongo: segments of a path that a checkpoint builds to write the others
COLUMN_FILE_STALE_SHARE: Final = 32  # amongo: a file of columns is written anew when one in so many rows is stale,
COLUMN_FILE_STALE_COUNT: Final = 256  # but not for so few,
COLUMN_FILE_USELESS_SHARE: Final = 4  # and given up, where it cannot be written, when one in so many is
COLUMN_FRESHEN_COUNT: Final = 1024  # amongo: who changes so many documents brings the columns up to date that are read
COLUMN_WAIT_S: Final = 0.05  # amongo: who waits for columns that another query builds looks so often for a stop

# Shredding documents to columns
PIECE_COUNT: Final = 4096  # amongo: documents that are walked in step at a time,
PIECE_BYTES: Final = 4 * 1024 * 1024  # amongo: and their bytes, unless a single one has more
PIECE_SPAN_BYTES: Final = 1024 * 1024 * 1024  # amongo: from the first of them to the end of the last
STEP_ROWS: Final = 48  # amongo: fewer documents are walked one by one, with less work than in step
STEPS_OF_FEW: Final = 64  # amongo: steps that so few documents may take all the same, to catch up with the others
STEP_BYTES: Final = 200  # amongo: of a document that are looked at in one step; a longer name goes the slow way
DICTIONARY_SHARE: Final = 0.25  # amongo: different strings in a column, to its rows, that are worth a dictionary,
PIECE_DICTIONARY_SHARE: Final = 0.5  # and to the rows of a piece: in others there may be the same
DICTIONARY_SAMPLE: Final = 1024  # amongo: strings of a piece, of which too many differ, that end the tries

# Live queries
LIVE_DOCUMENTS: Final = 100_000  # amongo: documents that match a live query
LIVE_BYTES: Final = 64 * 1024 * 1024  # amongo: and what is shown of them, in bytes
LIVE_COMMITS: Final = 64  # amongo: commits that a live query reads at a time
LIVE_LOOK_DOCUMENTS: Final = 10_000  # amongo: changed documents that it looks at before it gives what it has found

# Pipelines
DENSIFY_COUNT: Final = 500_000  # server, internalQueryMaxAllowedDensifyDocs

# Memory
BLOCKING_STAGE_BYTES: Final = 100 * 1024 * 1024  # manual, Memory Restrictions of pipeline stages and of sort
FOLD_DOCUMENTS: Final = 1024  # amongo: documents that $group sorts by their group before it folds them
FACET_BYTES: Final = 100 * 1024 * 1024  # server, internalQueryFacetMaxOutputDocSizeBytes
LOOKUP_BYTES: Final = 100 * 1024 * 1024  # server, internalLookupStageIntermediateDocumentMaxSizeBytes
JOIN_KEPT_DOCUMENTS: Final = 10_000  # amongo: documents of another collection that a join keeps decoded
CHAINED_STAGES: Final = 64  # amongo: stages that documents go through one by one; a longer pipeline runs in parts
KEPT_RECENT: Final = 1024  # amongo: documents that were put aside and are kept in memory after they were wanted
JOIN_PAGE_ENTRIES: Final = 256  # amongo: values of another collection that a join reads at a time from a disk
JOIN_INDEX_COST: Final = 20  # amongo: documents that are hashed in the time of one search in an index
SPILL_BYTES: Final = 256 * 1024 * 1024 * 1024  # amongo: what one stage may put aside on disk
SPILL_FREE_BYTES: Final = 500 * 1024 * 1024  # server, internalQuerySpillingMinAvailableDiskSpaceBytes
SPILL_BUFFER_BYTES: Final = 64 * 1024  # amongo: of a temporary file
SPILL_RUNS: Final = 64  # amongo: sorted runs that are merged at a time; each is a temporary file
SPILL_PARTITIONS: Final = 32  # amongo: parts that groups are spilled in, by their keys; each is a temporary file
SPILL_DEPTH: Final = 8  # amongo: times that a part that is too large is parted again

# Columns
COLUMNAR_LEAST_COUNT: Final = 4096  # amongo: of fewer documents the interpreter is faster than a statement of DuckDB
COLUMNAR_MEMORY_BYTES: Final = 1024 * 1024 * 1024  # amongo: what DuckDB takes before it puts things aside on the disk
COLUMNAR_FIRST_COUNT: Final = 32_768  # amongo: of fewer documents the interpreter looks for the first that match
COLUMNAR_TRIES: Final = 2  # amongo: times that it does so by the same fields before columns are made of them
COLUMNAR_TRIED_FILTERS: Final = 1000  # amongo: as many such filters are remembered
COLUMNAR_SPARE_BYTES: Final = 1024 * 1024 * 1024  # amongo: a process that may take less leaves DuckDB alone
COLUMNAR_QUERIES: Final = 4  # amongo: statements that run at one time, the others wait
COLUMNAR_BATCH_COUNT: Final = 8192  # amongo: rows of a result that are taken from DuckDB at a time

# Connections of the server
CONNECTIONS: Final = 10_000  # amongo: at one time; the server has as many as the system gives it
LOGIN_MESSAGE_BYTES: Final = (
    64 * 1024
)  # amongo: of a message, decompressed, by a client that has to log in and has not;
# the room for long ones is shared by all
CONNECTION_READ_BYTES: Final = 64 * 1024  # amongo: what is read from a socket at a time, at least
CONNECTION_BUFFER_BYTES: Final = 16 * 1024  # amongo: of each connection; a longer message takes room of its own,
CONNECTIONS_BYTES: Final = 512 * 1024 * 1024  # of which all connections together have so much
CONNECTION_IDLE_S: Final = 30 * 60.0  # amongo: a connection that sends nothing for so long is closed
CONNECTION_STALL_S: Final = 60.0  # amongo: and one that does not go on with a message it has begun to send, or to read,
CONNECTION_SLOWEST_RATE: Final = 128 * 1024  # amongo: or sends it with fewer bytes a second
CONNECTION_LOOK_S: Final = 5.0  # amongo: the server looks so often for those
CONNECTIONS_DRAIN_S: Final = 10.0  # amongo: so long the commands that run may go on when the server is closed
LOOP_REPLY_BYTES: Final = 1024 * 1024  # amongo: a longer reply is put together on a worker,
LOOP_COMPRESSED_BYTES: Final = 16 * 1024  # and what is compressed or has a checksum from this length on

# Access
TLS_HANDSHAKE_S: Final = 20.0  # amongo: a client that has not agreed on TLS by then is turned away,
TLS_HANDSHAKES: Final = 1000  # and so many at one time do so: others are turned away at once
SASL_PAYLOAD_BYTES: Final = 64 * 1024  # amongo: a message by which a client says who it is
KEPT_NAMES: Final = 10_000  # amongo: users, or roles, that are kept parsed
KEPT_DECISIONS: Final = 1000  # amongo: commands and collections of which is remembered that a client may run them
REFUSED_COMMAND_CHARACTERS: Final = 16 * 1024  # amongo: of a command in the message that it is not authorized

# Processes that share one store
SHARING_BLOCK_BYTES: Final = 256 * 1024  # amongo: what one system call sends or takes, about
SHARING_WORKER_ATTACHMENTS: Final = 1000  # amongo: a message of more pieces is packed and taken apart on a worker,
SHARING_WORKER_BYTES: Final = 1024 * 1024  # and one of more bytes
SHARING_REQUEST_BYTES: Final = 256 * 1024 * 1024  # amongo: an owner takes no larger message
SHARING_CONNECTIONS: Final = 512  # amongo: of one attached process to its owner; operations wait for one to be free
SHARING_IDLE_CONNECTIONS: Final = 64  # amongo: that are kept for the next operations
SHARING_BACKLOG: Final = 1024  # amongo: connections that the owner has not accepted yet
SHARING_LOOK_S: Final = 0.003  # amongo: who wants to own a store, or to attach to its new owner, looks so often,
SHARING_LOOK_MOST_S: Final = 0.05  # then less and less often, down to this
SHARING_DIFFERENCES: Final = 1000  # amongo: differences of a live query that go in one message
SHARING_FORKS: Final = 1000  # amongo: forks that one attached process has open in its owner

# Geospatial indexes
GEO_DOCUMENT_SQUARES: Final = 8  # amongo: keys of a line or an area of a document in a 2dsphere index, at most
GEO_QUERY_SQUARES: Final = 20  # amongo: squares that cover a region that is looked for, at most
GEO_EXACT_VERTICES: Final = 8  # amongo: of a place with more, the circle round it is covered: that takes a millisecond
GEO_RING_ENTRIES: Final = 64  # amongo: a search for what is near begins with a circle that has so many entries, about

# Import and export
LOAD_BATCH_COUNT: Final = 1000  # amongo: documents that an import sends together
LOAD_BATCH_BYTES: Final = 8 * 1024 * 1024  # amongo: past which a batch is sent before it is full
EXPORT_BATCH_COUNT: Final = 2000  # amongo: documents that an export asks for together
READ_BLOCK_BYTES: Final = 256 * 1024  # amongo: of a file that is imported, read together
JSON_DOCUMENT_CHARACTERS: Final = 64 * 1024 * 1024  # amongo: one document as Extended JSON; longer ones are refused
DUMPED_DOCUMENT_BYTES: Final = COMMAND_BYTES  # manual, BSON Document Size: a dump may hold the server's own as well
SHOWN_FAILURES: Final = 10  # amongo: documents that could not be written, told one by one; the others are counted
PARQUET_GROUP_COUNT: Final = 10_000  # amongo: documents of a row group that is written
PARQUET_GROUP_BYTES: Final = 32 * 1024 * 1024  # amongo: of documents as BSON, past which a row group is written
SHELL_PAGE_COUNT: Final = 20  # mongosh, DBQuery.shellBatchSize: documents shown before `it`
SHELL_DEPTH: Final = BSON_DEPTH  # amongo: calls, documents and arrays inside one another in a line of the shell
SHARING_JOIN_S: Final = 30.0  # amongo: who opens a store waits so long for an owner that is about to serve it
SHARING_DYING_S: Final = 0.25  # amongo: the last lock of a process that was killed may be there so much longer

# The profiler and the log
PROFILE_BYTES: Final = 1024 * 1024  # manual, Database Profiler: `system.profile` is capped at 1 megabyte
PROFILED_COMMAND_BYTES: Final = 50 * 1024  # manual, Database Profiler Output: a longer command is cut off
SLOW_MS: Final = 100  # manual, profile: `slowms` if nothing else is set
JOURNAL_LINES: Final = 1024  # manual, getLog: the last events that are kept
JOURNAL_LINE_CHARACTERS: Final = 1024  # manual, getLog: of one of them, the rest is cut off
