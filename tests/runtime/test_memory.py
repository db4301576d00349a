"""How much memory a process may still take."""

from __future__ import annotations

import subprocess
import sys

import pytest

from amongo.runtime.memory import spare_bytes

PROGRAM = """
import resource, sys
from amongo.runtime.memory import spare_bytes
kind, extra = getattr(resource, sys.argv[1]), int(sys.argv[2])
name = {"RLIMIT_AS": "VmSize:", "RLIMIT_DATA": "VmData:"}[sys.argv[1]]
taken = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(name))
resource.setrlimit(kind, (taken + extra, taken + extra))
print(spare_bytes())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limits are Linux's")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_limit_leaves_what_was_not_taken(limit: str) -> None:
    extra = 200 * 1024 * 1024
    command = [sys.executable, "-c", PROGRAM, limit, str(extra)]
    found = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert extra // 2 < found <= extra


def test_without_a_limit_there_is_no_end() -> None:
    assert spare_bytes() > 0
