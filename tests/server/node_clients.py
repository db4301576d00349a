"""The Node clients that the server is tested with: what node/package.json names, installed once into a cache directory.

`python tests/server/node_clients.py` installs them; it needs nothing but the standard library. Without Node or npm, or
where npm cannot reach its registry, the tests are skipped and say so.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

SCRIPTS: Final = Path(__file__).parent / "node"
INSTALLS_WITHIN_S: Final = 240
RUNS_WITHIN_S: Final = 90
LEAST_NODE: Final = (20, 19)  # what the driver asks for
_NPM: Final = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")


class Absent(Exception):
    """The clients cannot be had here; says why."""


@cache
def packages() -> Path:
    """The directory of the installed packages; installs them if they are not there.

    errors   Absent
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Absent(f"no {program} on the path")
    version = subprocess.run(("node", "--version"), capture_output=True, text=True, timeout=RUNS_WITHIN_S, check=False)
    if tuple(map(int, re.findall(r"\d+", version.stdout)[:2])) < LEAST_NODE:
        raise Absent(f"they need Node {LEAST_NODE[0]}.{LEAST_NODE[1]}, and this is {version.stdout.strip()}")
    manifest = SCRIPTS / "package.json"
    name = hashlib.sha256(manifest.read_bytes()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "amongo-tests"
    found = home / name / "node_modules"
    if found.is_dir():
        return found
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Absent(f"no cache directory: {error}") from None
    with tempfile.TemporaryDirectory(dir=home, prefix="installing-") as made:
        shutil.copy(manifest, made)
        _install(Path(made))
        try:  # whole or not at all, whoever else installs them just now
            Path(made).rename(home / name)
        except OSError:
            if not found.is_dir():
                raise
        else:
            Path(made).mkdir()  # for the end of the block
    return found


def _install(folder: Path) -> None:
    """errors: Absent."""
    try:
        done = subprocess.run(_NPM, cwd=folder, capture_output=True, text=True, timeout=INSTALLS_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise Absent(f"npm took more than {INSTALLS_WITHIN_S} seconds") from None
    if done.returncode != 0 or not (folder / "node_modules").is_dir():
        raise Absent(f"npm could not install them: {' '.join(done.stderr.split())[:200]}")


def run(
    *command: str, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program that may `require` the packages.

    environment   more variables
    errors        Absent; subprocess.TimeoutExpired
    """
    variables = {**os.environ, "NODE_PATH": str(packages()), **(environment or {})}
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=RUNS_WITHIN_S, env=variables, check=False
    )


if __name__ == "__main__":
    try:
        print(packages())
    except Absent as reason:
        raise SystemExit(f"the Node clients are not there: {reason}") from None
