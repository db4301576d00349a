"""The beginning of a pipeline on columns: lowered to a statement, run by DuckDB, exact or not at all."""

from amongo.aggregate.relational import accumulators, expressions, matching, stages, windows
from amongo.aggregate.relational.execution import ColumnEngine, StatementFailed

__all__ = [
    "ColumnEngine",
    "StatementFailed",
    "accumulators",
    "expressions",
    "matching",
    "stages",
    "windows",
]
