"""What all readers have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol


class Reader(Protocol):
    """Documents of a file, in order.

    unit   what the places count: "line", "row", "document"
    """

    unit: ClassVar[str]

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(where in the file, a document as BSON).

        errors   MalformedInput
        """
        ...
