"""File descriptors across a fork, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import fcntl, os, sys
from amongo.runtime.descriptors import OwnDescriptor

def opened():
    number = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return OwnDescriptor(number)

held = opened()
asked, answer = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.write(answer[1], str(held.give_up()).encode())
    os.read(asked[0], 1)
    os._exit(0)
in_child = os.read(answer[0], 8).decode()
os.close(held.give_up())
again = opened()  # the child, which lives, has not kept it
os.write(asked[1], b"x")
print("in the child", in_child, "twice", held.give_up(), "again", again.give_up() >= 0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_keeps_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "LOCK")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout == "in the child -1 twice -1 again True\n"
