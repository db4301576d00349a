"""Errors of the engine's files: opening a store, writing its log, finding it damaged."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

# Opening a store
STORE_IN_USE = condition(
    ErrorCode.DBPathInUse, "the store '{path}' is in use by process {pid}; one process owns a store at a time"
)
STORE_PATH_IS_FILE = condition(
    ErrorCode.InvalidPath, "the path '{path}' is a file; a store is a directory, so give the path of one"
)
STORE_NOT_FOUND = condition(ErrorCode.NonExistentPath, "there is no store at '{path}'")
STORE_FORMAT_NEWER = condition(
    ErrorCode.UnsupportedFormat,
    "the store was written in format version {found} and this amongo reads up to version {supported}: "
    "open it with a newer amongo (file '{file}')",
)
STORE_UNREADABLE = condition(ErrorCode.FileOpenFailed, "cannot open '{path}': {reason}")
LOCKING_UNSUPPORTED = condition(
    ErrorCode.FileOpenFailed, "cannot lock the store '{path}': this operating system has no flock"
)
REPAIR_TARGET_NOT_EMPTY = condition(
    ErrorCode.InvalidPath, "the directory '{path}' is not empty; repair writes into a new or empty directory only"
)

# Damage found while reading
LOG_CORRUPT = condition(
    ErrorCode.DataCorruptionDetected,
    "the log file '{file}' is damaged at byte {offset}: {reason}. "
    "`amongo check` reports on the store, `amongo repair` salvages what still verifies into a new directory",
)
LOG_FILE_MISSING = condition(
    ErrorCode.DataCorruptionDetected,
    "the log file '{file}' is missing. "
    "`amongo check` reports on the store, `amongo repair` salvages what still verifies into a new directory",
)
LOG_BEGINS_LATE = condition(
    ErrorCode.DataCorruptionDetected,
    "the log begins at sequence {first} with '{file}' and the frames from sequence {needed} on are needed",
)
LOG_ENDS_EARLY = condition(
    ErrorCode.DataCorruptionDetected,
    "the log in '{path}' ends at sequence {last} and the store's checkpoint was made at sequence {needed}",
)
ENTRY_MALFORMED = condition(
    ErrorCode.DataCorruptionDetected,
    "the frame of sequence {sequence} verifies, but its entries do not parse at byte {offset} of the payload: {reason}",
)
STORE_WITHOUT_LOG = condition(
    ErrorCode.DataCorruptionDetected,
    "the store '{path}' has snapshot files, and neither a MANIFEST nor a log. "
    "`amongo repair` salvages what still verifies into a new directory",
)
STORE_CORRUPT = condition(ErrorCode.DataCorruptionDetected, "the store is damaged: {reason}")

# Damage of snapshot files
SNAPSHOT_CORRUPT = condition(
    ErrorCode.DataCorruptionDetected,
    "the snapshot file '{file}' is damaged at byte {offset}: {reason}. "
    "`amongo check` reports on the store, `amongo repair` salvages what still verifies into a new directory",
)
SNAPSHOT_MISSING = condition(
    ErrorCode.DataCorruptionDetected,
    "the snapshot file '{file}' is missing. "
    "`amongo check` reports on the store, `amongo repair` salvages what still verifies into a new directory",
)
MANIFEST_CORRUPT = condition(
    ErrorCode.DataCorruptionDetected,
    "the file '{file}' is damaged: {reason}. "
    "`amongo check` reports on the store, `amongo repair` salvages what still verifies into a new directory",
)

# Writing the log
CHECKPOINT_FAILED = condition(
    ErrorCode.OperationFailed, "the checkpoint could not be written: {reason}. Nothing is lost; the last one stands"
)
OUT_OF_DISK_SPACE = condition(ErrorCode.OutOfDiskSpace, "cannot write the log file '{file}': {reason}")
LOG_WRITE_FAILED = condition(ErrorCode.LogWriteFailed, "cannot write the log file '{file}': {reason}")
LOG_SYNC_FAILED = condition(
    ErrorCode.LogWriteFailed,
    "fsync of the log file '{file}' failed: {reason}. Writes not yet durable may be lost if the machine stops",
)
LOG_READ_ONLY = condition(
    ErrorCode.LogWriteFailed,
    "the store accepts no more writes, its log failed earlier: {reason}. Reads go on; reopen the store to write again",
)
STORE_BEHIND_LOG = condition(
    ErrorCode.InternalError,
    "the store accepts no more writes, an earlier one is in the log and could not be completed in memory. "
    "Reopen the store to write again",
)
FRAME_TOO_LARGE = condition(
    ErrorCode.TransactionTooLarge, "one commit of {actual_bytes} bytes is larger than the limit of {limit_bytes} bytes"
)
LOG_CLOSED = condition(ErrorCode.FileNotOpen, "the log is closed")
LOG_NOT_REPLAYED = condition(ErrorCode.NotYetInitialized, "the log takes no frames before it has been replayed")

# Transactions
WRITE_CONFLICT = condition(
    ErrorCode.WriteConflict,
    "Caused by :: Write conflict during plan execution and yielding is disabled. :: "
    "Please retry your operation or multi-document transaction.",
)
TRANSACTION_TOO_LARGE = condition(
    ErrorCode.TransactionTooLarge,
    "Total size of all transaction operations must be less than {limit_bytes}. Actual size is {actual_bytes}",
)
NOT_IN_TRANSACTION = condition(
    ErrorCode.OperationNotSupportedInTransaction, "Cannot run '{command}' in a multi-document transaction."
)

# Temporary files
SPILL_DISK_FULL = condition(
    ErrorCode.OutOfDiskSpace,
    "not enough space for temporary files in '{path}': {free} bytes are free, at least {least} have to be",
)
