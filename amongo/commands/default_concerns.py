"""The read and write concerns of operations that name none, as an administrator sets them for the deployment.

On one node they make no difference that could be seen: every concern that may be set here is satisfied by the node
itself. They are kept as long as the instance is open. Source: manual, setDefaultRWConcern, Implicit Default Write
Concern.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bson import Timestamp
from bson.datetime_ms import DatetimeMS

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

_IMPLICIT_READ: Final = {"level": "local"}
_IMPLICIT_WRITE: Final = {"w": "majority", "wtimeout": 0}


@dataclass(frozen=True, slots=True)
class DefaultConcerns:
    """What was set.

    read, write   as documents; None for the implicit ones
    updated       when: as a cluster time and as a date; None if nothing was ever set
    """

    read: dict[str, Any] | None = None
    write: dict[str, Any] | None = None
    updated: tuple[Timestamp, DatetimeMS] | None = None

    def document(self, instance: Instance) -> dict[str, Any]:
        """As getDefaultRWConcern shows it."""
        shown: dict[str, Any] = {
            "defaultReadConcern": self.read or dict(_IMPLICIT_READ),
            "defaultWriteConcern": self.write or dict(_IMPLICIT_WRITE),
            "defaultReadConcernSource": "global" if self.read else "implicit",
            "defaultWriteConcernSource": "global" if self.write else "implicit",
        }
        if self.updated is not None:
            shown["updateOpTime"], shown["updateWallClockTime"] = self.updated
        return shown | {"localUpdateWallClockTime": DatetimeMS(instance.clock.now_ms())}
