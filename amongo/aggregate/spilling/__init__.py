"""Spilling: blocking stages put aside on disk what does not fit in memory, and take it up again with its types."""

from amongo.aggregate.spilling.documents import DOCUMENTS, RAW, Form
from amongo.aggregate.spilling.kept import Kept
from amongo.aggregate.spilling.runs import Run, Spill
from amongo.aggregate.spilling.shelf import Shelf
from amongo.aggregate.spilling.sorting import in_order_within

__all__ = ["DOCUMENTS", "RAW", "Form", "Kept", "Run", "Shelf", "Spill", "in_order_within"]
