"""What serves an instance to others, as far as commands have to do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Service(Protocol):
    """A server of the instance; it enters itself in `Instance.services` while it serves.

    most_connections    how many clients at one time
    accepted, refused   connections since it serves
    """

    most_connections: int
    accepted: int
    refused: int

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        ...

    @property
    def options(self) -> Mapping[str, Any]:
        """How it was set up, as `getCmdLineOpts` shows it: {net, security, …}."""
        ...

    def rotate_certificates(self) -> None:
        """Read the certificates anew; nothing happens without TLS."""
        ...

    def request_shutdown(self) -> None:
        """Take no more connections, let what runs come to its end, and close; returns at once."""
        ...
