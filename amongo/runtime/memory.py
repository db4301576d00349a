"""How much memory this process may still take, where a limit was set on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


def spare_bytes() -> int:
    """How much more may be taken before a limit of the process (`ulimit -v`, `ulimit -d`) refuses it; `sys.maxsize`
    where there is none."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return sys.maxsize
    limits = {
        "VmSize:": resource.getrlimit(resource.RLIMIT_AS)[0],
        "VmData:": resource.getrlimit(resource.RLIMIT_DATA)[0],
    }
    finite = {name: limit for name, limit in limits.items() if limit != resource.RLIM_INFINITY}
    if not finite:
        return sys.maxsize
    taken = _taken_bytes()
    return max(min(limit - taken.get(name, 0) for name, limit in finite.items()), 0)


def _taken_bytes() -> dict[str, int]:
    """What the process has taken, by the names of /proc/self/status; nothing where there is no such file."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return {}
    return {
        parts[0]: int(parts[1]) * 1024
        for line in lines
        if (parts := line.split()) and parts[0] in ("VmSize:", "VmData:")
    }
