"""Checkpoints: what is in memory becomes snapshot files, neighbours become one, and a store is opened on them."""

from amongo.engine.checkpoints.checkpoints import Checkpoints, place_of
from amongo.engine.checkpoints.restoring import Restored, restore

__all__ = ["Checkpoints", "Restored", "place_of", "restore"]
