"""Verifying files of columns, each as a whole: their checksum is that of the checksums of their pages.

What is in them is the business of `engine.columns.persistence`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xxhash import xxh3_64, xxh3_64_intdigest

from amongo.engine.snapshots.contents import ColumnsFile
from amongo.runtime.interrupts import NEVER, Interrupt
from amongo.runtime.limits import CHECKED_PAGE_BYTES

if TYPE_CHECKING:
    from amongo.engine.files.interface import Files

_SUM_BYTES = 8


def checksum_of(sums: Iterable[int]) -> int:
    """The checksum of a file of columns, of those of its pages."""
    checksum = xxh3_64()
    for each in sums:
        checksum.update(each.to_bytes(_SUM_BYTES, "little"))
    return checksum.intdigest()


def damage_of_columns(files: Files, path: str, file: ColumnsFile, interrupt: Interrupt = NEVER) -> str | None:
    """What is wrong with a file of columns, which is read from end to end; None if all verifies.

    errors   whatever the interrupt raises
    """
    try:
        found = files.size(path)
        if found != file.size:
            return f"{path} has {found} bytes and should have {file.size}"
        view = memoryview(files.map(path, 0, file.size))
    except (OSError, ValueError) as error:
        return f"{path} cannot be read: {error}"
    sums = []
    for start in range(0, file.size, CHECKED_PAGE_BYTES):
        interrupt.check()
        sums.append(xxh3_64_intdigest(view[start : start + CHECKED_PAGE_BYTES]))
    return None if checksum_of(sums) == file.xxh3 else f"the checksum of {path} does not match"
