"""The lines that were typed before, kept by readline in a file of its owner alone; never lines with passwords."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_LINES: Final = 1000
_SECRET: Final = re.compile(
    r"\bpwd\b|password|createUser|updateUser|changeUserPassword|mongodb(\+srv)?://", re.IGNORECASE
)


def history_path() -> str:
    """Where the lines are kept: `$AMONGO_HISTORY`, or under the user's state directory."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.environ.get("AMONGO_HISTORY") or os.path.join(state, "amongo", "shell_history")


@contextmanager
def kept_history() -> Iterator[None]:
    """Within the block, `input` knows the lines of earlier sessions; its own are kept at the end."""
    try:
        import readline
    except ImportError:  # a Python without it
        yield
        return
    path = history_path()
    with suppress(OSError):
        readline.read_history_file(path)
    readline.set_history_length(_LINES)
    try:
        yield
    finally:
        for at in range(readline.get_current_history_length(), 0, -1):
            if is_secret(readline.get_history_item(at) or ""):
                readline.remove_history_item(at - 1)
        with suppress(OSError):
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            readline.write_history_file(path)


def is_secret(line: str) -> bool:
    """Whether a line may hold a password."""
    return _SECRET.search(line) is not None
