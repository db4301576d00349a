"""How much of a predicate the bounds of an index prove."""

from __future__ import annotations

from enum import IntEnum


class Tightness(IntEnum):
    """From what the index cannot say to what it says alone; of several, the least counts.

    INEXACT_FETCH     the document has to be looked at
    INEXACT_COVERED   it can be decided on the values of the key
    EXACT             whatever is in the bounds matches
    """

    INEXACT_FETCH = 0
    INEXACT_COVERED = 1
    EXACT = 2
