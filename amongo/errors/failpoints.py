"""Errors of failpoints: how they are set, what they bring about. Source: MongoDB's wiki, The failCommand fail point."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

UNKNOWN_FAILPOINT = condition(ErrorCode.FailPointSetFailed, "Fail point not found: {name}")
NO_MODE = condition(ErrorCode.BadValue, "When setting a failpoint, you must supply a 'mode'")
MODE_TYPE = condition(ErrorCode.TypeMismatch, "'mode' must be a string or JSON object")
UNKNOWN_MODE = condition(ErrorCode.BadValue, "unknown mode: {mode}")
MODE_FORMS = condition(
    ErrorCode.BadValue, "'mode' must be one of 'off', 'alwaysOn', 'times', 'skip', and 'activationProbability'"
)
MODE_COUNT = condition(ErrorCode.TypeMismatch, "'{name}' option to 'mode' must be a number")
MODE_NEGATIVE = condition(ErrorCode.BadValue, "'{name}' option to 'mode' must be non-negative")
MODE_CHANCE = condition(ErrorCode.BadValue, "'activationProbability' has to be between 0 and 1; found: {chance}")
DATA_TYPE = condition(ErrorCode.TypeMismatch, "the 'data' option must be a JSON object")
DATA_FIELD = condition(ErrorCode.TypeMismatch, "the field '{field}' of the data of '{name}' must be {expected}")
NO_BLOCK_TIME = condition(ErrorCode.InvalidOptions, "must specify 'blockTimeMS' when 'blockConnection' is true")
