"""A real process, really killed: what it said it had written is there."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from amongo.engine.files import DiskFiles
from amongo.engine.log import Log
from amongo.runtime.clock import SYSTEM_CLOCK

ROUNDS = 5


def test_acknowledged_commits_outlive_sigkill(tmp_path):
    chance = random.Random(5)
    command = [sys.executable, "-m", "tests.crash.killed_writer", str(tmp_path)]
    for _ in range(ROUNDS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
            assert process.stdout is not None
            acknowledged = 0
            for _ in range(chance.randint(1, 400)):
                acknowledged = int(process.stdout.readline())
            process.kill()
            for line in process.stdout:  # said before the kill, read after it
                acknowledged = int(line) if line.endswith(b"\n") else acknowledged
            process.wait()
        log = Log.open(str(tmp_path), DiskFiles(), SYSTEM_CLOCK)
        replayed = [frame.entries()[0].record_id for frame in log.replay()]
        assert replayed == list(range(len(replayed)))
        assert acknowledged <= len(replayed) <= acknowledged + 1
        log.close()
    assert len(list((tmp_path / "log").iterdir())) > 2
