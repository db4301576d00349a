"""How much memory this process has, as far as the system says; 0 where it does not."""

from __future__ import annotations

import os


def resident_bytes() -> int:
    """Bytes in main memory."""
    return _pages(1)


def virtual_bytes() -> int:
    """Bytes of address space."""
    return _pages(0)


def _pages(field: int) -> int:
    """A field of Linux's /proc/self/statm, in bytes; elsewhere the largest resident size so far."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[field]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return _largest_resident()


def _largest_resident() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
