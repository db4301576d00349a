"""Errors of change streams: tokens that lead nowhere, images that are missing, events that are too large.

Source: manual, Change Streams.
"""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

_NOT_RESUMABLE = "NonResumableChangeStreamError"

# What a resume token says
TOKEN_DATA = condition(40647, "Bad resume token: _data of missing or of wrong type. Expected string, got {token}")
TOKEN_TYPE_BITS = condition(40648, "Bad resume token: _typeBits of wrong type {token}")
TOKEN_EMPTY = condition(40649, "invalid empty resume token")
TOKEN_NOT_HEX = condition(ErrorCode.FailedToParse, "resume token string was not a valid hex string")
TOKEN_CORRUPT = condition(50811, "Resume token is corrupt: it does not begin with a timestamp")
TOKEN_WITHOUT_VERSION = condition(50796, "Resume Token does not contain version")
TOKEN_VERSION = condition(
    50795, "Invalid Resume Token: only supports version {supported}, and this is of another server"
)
TOKEN_KIND = condition(51057, "Token type {kind} not recognized")
TOKEN_LENGTH = condition(ErrorCode.InvalidResumeToken, "Invalid resume token: {actual} bytes, expected {expected}")
TWO_TOKENS = condition(50865, "Do not specify both 'resumeAfter' and 'startAfter' in a $changeStream stage")
TOKEN_AND_TIME = condition(40674, "Only one type of resume option is allowed, but multiple were found.")
RESUMED_AFTER_INVALIDATE = condition(
    ErrorCode.InvalidResumeToken,
    "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate notification.",
)

# Where it leads
TOKEN_NOT_FOUND = condition(
    ErrorCode.ChangeStreamFatalError,
    "cannot resume stream; the resume token was not found. {token}",
    _NOT_RESUMABLE,
)
TOKEN_CHANGED = condition(
    ErrorCode.ChangeStreamFatalError,
    "Encountered an event whose _id field, which contains the resume token, was modified by the pipeline. Modifying "
    "the _id field of an event makes it impossible to resume the stream from that point. Only transformations that "
    "retain the unmodified _id field are allowed. Expected: {expected} but found: {found}",
    _NOT_RESUMABLE,
)

# Images
NO_PRE_IMAGE = condition(
    ErrorCode.NoMatchingDocument,
    "Change stream was configured to require a pre-image for all update, delete and replace events, but the pre-image "
    "was not found for event: {event}",
)
NO_POST_IMAGE = condition(
    ErrorCode.NoMatchingDocument,
    "Change stream was configured to require a post-image for all update events, but the post-image was not found for "
    "event: {event}",
)

# Events that are too large
EVENT_TOO_LARGE = condition(
    ErrorCode.BSONObjectTooLarge,
    "BSONObj size: {size} (0x{size:X}) is invalid. Size must be between 0 and {limit}({limit_mb}MB) First element: "
    "{first}",
    _NOT_RESUMABLE,
)
SPLIT_NOTHING = condition(7182502, "Cannot split an empty event or an event containing solely '_id' field")
FRAGMENT_TOO_LARGE = condition(
    7182500,
    "Splitting change event failed: fragment size {size} is greater than maximum allowed fragment size {limit}",
)
SPLIT_IS_OTHER = condition(
    ErrorCode.ChangeStreamFatalError,
    "Attempted to resume from a split event, but the resumed stream produced a different split. Ensure that the "
    "pipeline used to resume is the same as the original",
    _NOT_RESUMABLE,
)
SPLIT_IS_NONE = condition(
    ErrorCode.ChangeStreamFatalError,
    "Attempted to resume from a split event fragment, but the event in the resumed stream was not large enough to be "
    "split",
    _NOT_RESUMABLE,
)
SPLIT_STAGE_MISSING = condition(
    ErrorCode.ChangeStreamFatalError,
    "To resume from a split event, the $changeStream pipeline must include a $changeStreamSplitLargeEvent stage",
    _NOT_RESUMABLE,
)
