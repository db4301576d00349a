"""The absence of a field, which is not null."""

from enum import Enum
from typing import Final


class Missing(Enum):
    """The type of `MISSING`: an absent field. It is never stored and never leaves the database."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING
