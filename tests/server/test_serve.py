"""`amongo serve` as a process: it says where it is, serves, and ends when it is told to."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pymongo
import pytest


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_store_is_served(tmp_path: Path, told: signal.Signals) -> None:
    command = [sys.executable, "-m", "amongo.cli", "serve", str(tmp_path / "store"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"mongodb://\S+", process.stdout.readline())
        assert found is not None
        with pymongo.MongoClient(found[0], serverSelectionTimeoutMS=5000) as client:
            client.shop.orders.insert_one({"_id": 1})
            assert client.shop.orders.find_one() == {"_id": 1}
            process.send_signal(told)
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "amongo.cli", "serve", ":memory:", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        found = re.search(r":(\d+)$", first.stdout.readline().strip())
        assert found is not None
        second = subprocess.run([*command[:-1], found[1]], capture_output=True, text=True, timeout=30, check=False)
        first.terminate()
    assert second.returncode == 2
    assert "in use" in second.stderr


def test_other_machines_are_not_served() -> None:
    command = [sys.executable, "-m", "amongo.cli", "serve", ":memory:", "--host", "0.0.0.0", "--port", "0"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert found.returncode == 2
    assert "other machines" in found.stderr.replace("\n", " ")
