"""Who may write: nobody is asked as long as nothing is refused.

A store and the stores of its transactions share one admission. It refuses by namespace, before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable


class Admission:
    """Whether writes are taken.

    refuse   raises for a namespace (or a database) to which nothing may be written; None where everything may
    """

    __slots__ = ("refuse",)

    def __init__(self) -> None:
        self.refuse: Callable[[str], None] | None = None

    def check(self, namespace: str) -> None:
        """Refuse a write to a namespace, or to a whole database.

        errors   those of `refuse`
        """
        if self.refuse is not None:
            self.refuse(namespace)
