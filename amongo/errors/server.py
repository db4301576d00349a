"""Errors of messages on a connection, as far as they can be answered."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

NO_DATABASE = condition(40571, "OP_MSG requests require a $db argument")
UNKNOWN_FLAGS = condition(ErrorCode.IllegalOpMsgFlag, "Message contains illegal flags value: 0b{flags:b}")
WRONG_CHECKSUM = condition(ErrorCode.ChecksumMismatch, "OP_MSG checksum does not match contents")
BODY_UNREADABLE = condition(ErrorCode.InvalidBSON, "{reason}")
INTERNAL = condition(ErrorCode.InternalError, "amongo has made a mistake: {reason}")
CLOSING = condition(ErrorCode.InterruptedAtShutdown, "the server is closed")
