"""How a test asks a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., dict[str, Any]]
"""(command document, database "shop") -> the reply, decoded; of a failed command too."""
