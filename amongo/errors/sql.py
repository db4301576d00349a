"""Errors of SQL over collections, which MongoDB does not have."""

from amongo.errors.codes import ErrorCode
from amongo.errors.failure import condition

SQL_REFUSED = condition(ErrorCode.BadValue, "the SQL is refused: {reason}")
SQL_UNKNOWN_TABLE = condition(ErrorCode.NamespaceNotFound, "there is no collection {name!r} in this database")
SQL_FAILED = condition(ErrorCode.BadValue, "the SQL could not be run: {reason}")
