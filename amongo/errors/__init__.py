"""MongoDB's errors: the codes with their names, the exception, and one table of conditions for each subject."""

from amongo.errors.codes import ErrorCode, code_name
from amongo.errors.failure import Condition, ServerError, condition

__all__ = ["Condition", "ErrorCode", "ServerError", "code_name", "condition"]
