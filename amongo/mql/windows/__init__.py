"""Window functions see the documents around each document of an ordered partition: $setWindowFields computes them."""

from amongo.mql.windows import fillings, folds, places, scaling, slopes
from amongo.mql.windows.registry import (
    DOCUMENTATION,
    WINDOW_FUNCTIONS,
    Partition,
    Run,
    Setting,
    WindowFunction,
    parse_window_function,
)

__all__ = [
    "DOCUMENTATION",
    "FAMILIES",
    "WINDOW_FUNCTIONS",
    "Partition",
    "Run",
    "Setting",
    "WindowFunction",
    "parse_window_function",
]

FAMILIES = (fillings, folds, places, scaling, slopes)
"""The modules whose import fills the registry."""
