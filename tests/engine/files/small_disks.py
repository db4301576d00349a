"""Real file systems of a few megabytes, to be filled. They need root and the mount command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TMPFS_BYTES = 3 << 20
IMAGE_BYTES = 12 << 20


@dataclass(frozen=True)
class SmallDisk:
    """Where it is mounted, and how much fits."""

    path: Path
    free_bytes: int


def run(*command: str) -> None:
    """Run a command that is needed, or skip the test."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"no small file system here: {' '.join(command[:3])}: {result.stderr.strip()}")


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    """A mounted file system that is soon full."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small file system takes root and the mount command")
    path = tmp_path / "disk"
    path.mkdir()
    if request.param == "tmpfs":
        run("mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(path))
    else:
        if shutil.which("mkfs.ext4") is None:
            pytest.skip("mkfs.ext4 is not installed")
        image = tmp_path / "image"
        with open(image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
        run("mount", "-o", "loop", str(image), str(path))
    try:
        room = os.statvfs(path)
        yield SmallDisk(path, room.f_bavail * room.f_frsize)
    finally:
        subprocess.run(["umount", str(path)], check=True)
