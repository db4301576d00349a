"""The conformance cases, run in process or over a socket by the replayer that lies beside them.

The cases are not part of the project. Their folder is named by AMONGO_CONFORMANCE; without it, it is looked for next to
the checkout.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from amongo.commands.instance import Instance
from amongo.engine.settings import Settings
from tests.server.serving_process import served

FOLDER = Path(os.environ.get("AMONGO_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
CHUNK = 250  # cases that one process runs in one go
PROCESSES = max(2, min(os.cpu_count() or 2, 4))
EMBEDDED = "memory://"


class Verdict(NamedTuple):
    """What became of one case.

    reason   kind of the failure; empty for a case that passes
    text     what was expected, and what was answered
    """

    id: str
    reason: str
    text: str

    @property
    def is_pass(self) -> bool:
        """Whether the answer was the server's."""
        return not self.reason


def is_present() -> bool:
    """Whether the cases are at hand."""
    return (FOLDER / "replay.py").is_file() and (FOLDER / "cases").is_dir()


def area_names() -> list[str]:
    """All areas, from the names of the files; empty without the folder."""
    return sorted(path.name.split(".jsonl")[0] for path in (FOLDER / "cases").glob("*.jsonl*"))


@functools.cache
def _replayer() -> Any:
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.import_module("replay")


def _options(areas: Iterable[str], uri: str = EMBEDDED) -> argparse.Namespace:
    return argparse.Namespace(
        uri=uri,
        corpus=str(FOLDER / "cases"),
        area=list(areas),
        ids=None,
        profile="auto",
        caps=[],
        volatile=False,
        sample=1,
        seed=1,
        timeout=60,
        drop_db="own",
    )


def load(areas: Iterable[str]) -> dict[str, list[str]]:
    """The cases that apply to amongo, one line each, by area."""
    wanted = {area: list[str]() for area in areas}
    if wanted:
        for area, line in _replayer().load(_options(wanted))[0]:
            if area in wanted:
                wanted[area].append(line)
    return wanted


def run_lines(lines: list[str], *, columnar: bool = False, over_wire: bool = False) -> list[Verdict]:
    """Run cases one after the other on a store of their own.

    columnar    over columns whatever can be, however few documents there are
    over_wire   by PyMongo, of a server that is started for it
    """
    if over_wire:
        with served() as uri:
            return _run(lines, f"{uri}/?directConnection=true")
    if columnar or os.environ.get("AMONGO_COLUMNAR"):
        Instance.open.__func__.__kwdefaults__["settings"] = Settings(columnar_least_count=0)  # type: ignore[attr-defined]
    return _run(lines, EMBEDDED)


def _run(lines: list[str], uri: str) -> list[Verdict]:
    replay = _replayer()
    runner = replay.Runner(_options((), uri))
    if uri != EMBEDDED:  # cases write the fields of transactions themselves: PyMongo does not know that it is in one
        runner.client.start_session = functools.partial(runner.client.start_session, causal_consistency=False)
    verdicts = []
    for line in lines:
        outcome, reason, text, _ = runner.run(line)
        verdicts.append(Verdict(replay.json.loads(line)["id"], "" if outcome == "pass" else reason or "fail", text))
    return verdicts


class Replay:
    """The cases of some areas, running in a few processes while other tests do, or the first verdicts are looked at."""

    def __init__(
        self, areas: Iterable[str], *, columnar: bool = False, over_wire: bool = False, every: int = 1, first: int = 0
    ) -> None:
        """
        columnar    over columns whatever can be; in processes of its own
        over_wire   of servers, by PyMongo
        every       one case in so many
        first       which one of those many
        """
        self._pool = ProcessPoolExecutor(PROCESSES, get_context("spawn"), initializer=_give_way)
        self._running: dict[str, list[Future[list[Verdict]]]] = {
            area: [
                self._pool.submit(run_lines, chunk, columnar=columnar, over_wire=over_wire)
                for chunk in _chunks(lines[first::every])
            ]
            for area, lines in load(areas).items()
        }

    def verdicts(self, area: str, timeout_s: float = 3600) -> list[Verdict]:
        """The verdicts of an area, in the order of its cases; waits for them."""
        return [verdict for future in self._running[area] for verdict in future.result(timeout_s)]

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)


def _give_way() -> None:
    """Let what others do go first."""
    if hasattr(os, "nice"):
        os.nice(5)


def _chunks(lines: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(lines), CHUNK):
        yield lines[start : start + CHUNK]
