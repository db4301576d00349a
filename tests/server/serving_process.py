"""`amongo serve` as a process of its own, as its users start it, for tests that talk to it over a socket."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

ENDS_WITHIN_S: Final = 20.0


@contextmanager
def served(path: str = ":memory:", *options: str) -> Iterator[str]:
    """A server on a port that is free; its address as a URI, "mongodb://127.0.0.1:50123".

    options   of `amongo serve`
    """
    command = [sys.executable, "-m", "amongo.cli", "serve", path, "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            found = re.search(r"mongodb://\S+", line)
            assert found is not None, f"the server says {line!r}"
            yield found[0]
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
