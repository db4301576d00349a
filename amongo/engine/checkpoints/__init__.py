"""Checkpoints: what is in memory becomes snapshot files, neighbours become one, and a store is opened on them."""

from amongo.engine.checkpoints.checkpoints import (
    PLACE_FILE,
    PLACE_OFFSET,
    Checkpoints,
    LastCheckpoint,
    place_of,
    remembered_of,
)
from amongo.engine.checkpoints.restoring import Restored, restore

__all__ = [
    "PLACE_FILE",
    "PLACE_OFFSET",
    "Checkpoints",
    "LastCheckpoint",
    "Restored",
    "place_of",
    "remembered_of",
    "restore",
]
