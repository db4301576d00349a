"""Every workload of `benchmarks` runs at a tiny size and verifies its answers; no test here looks at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    bulk_load,
    change_streams,
    columns,
    forks,
    group_commit,
    hot_paths,
    loop_lag,
    matching,
    peers,
    questions,
    report,
    scale_stores,
    sections,
    transactions,
    wire,
)
from benchmarks.__main__ import main
from benchmarks.loop_lag import Lag
from benchmarks.opening import opened
from benchmarks.peer_adapters import PEERS, Peer
from benchmarks.rounds import Comparison
from benchmarks.rows import Budget, Row, WrongAnswer, all_held, expect
from benchmarks.sizes import TINY
from benchmarks.stores import BOTH, LOCAL, store_uri

SIZED = [
    ("matching", matching.run, len(matching.PREDICATES)),
    ("bulk-load", bulk_load.run, 4),
    ("loop-lag", loop_lag.run, 14),
    ("group-commit", group_commit.run, 2),
    ("transactions", transactions.run, 6),
    ("forks", forks.run, 4),
    ("change-streams", change_streams.run, 14),
    ("columns", columns.run, 2 + len(columns.QUESTIONS) + 2),
    ("questions", questions.run, len(questions.QUESTIONS)),
    ("wire", wire.run, 3 * (1 if find_spec("secantus") is None else 2) + 1),
]


@pytest.mark.parametrize("store", BOTH)
@pytest.mark.parametrize("path", hot_paths.HOT_PATHS, ids=lambda path: path.name)
def test_hot_path_answers_rightly(path: type[hot_paths.HotPath], store: str) -> None:
    row = asyncio.run(hot_paths.measure(path, store, TINY))
    assert row.failure == ""
    assert row.value is not None
    assert row.value > 0
    assert row.budget == Budget(path.ceiling)


@pytest.mark.parametrize(("name", "run", "count"), SIZED, ids=[name for name, _, _ in SIZED])
def test_section_answers_rightly(name: str, run: object, count: int) -> None:
    section = next(section for section in sections.SECTIONS if section.name == name)
    assert section.run is run
    rows = sections.run_section(section, TINY, None)
    assert [row.failure for row in rows] == [""] * count
    assert all(row.value is not None for row in rows)


def test_scale_answers_rightly(monkeypatch: pytest.MonkeyPatch) -> None:
    processes: list[str] = []

    def openings(directory: Path, count: int, by: str, turns: int) -> list[dict[str, Any]]:
        """One process; the others' work is done in this one, which is quicker."""
        scale_stores.give_pages_back(directory)
        if not processes:
            processes.append(by)
            return all_openings(directory, count, by, turns)
        with ThreadPoolExecutor() as threads:
            return [threads.submit(asyncio.run, opened(store_uri(LOCAL, directory), by, 7, count)).result()]

    all_openings = scale_stores._openings
    monkeypatch.setattr(scale_stores, "_openings", openings)
    rows = sections.run_section(next(each for each in sections.SECTIONS if each.name == "scale"), TINY, None)
    assert [row.failure for row in rows] == [""] * 17
    assert all(row.value is not None for row in rows)
    assert processes == ["_id"]


@pytest.mark.parametrize("peer", PEERS[:2], ids=lambda peer: peer.name)
def test_amongo_answers_the_peer_workloads(peer: Peer) -> None:
    rows = asyncio.run(peers.measure(peer, TINY))
    assert [(row.name, row.failure) for row in rows if row.failure] == []
    assert len(rows) == 7
    assert all(row.value is not None for row in rows)


def test_peer_that_is_not_installed_is_told() -> None:
    absent = replace(PEERS[2], module="no_such_peer_is_installed")
    rows = asyncio.run(peers.measure(absent, TINY))
    assert [(row.store, row.note, row.held) for row in rows] == [("mongomock", "not installed", None)]


def test_wrong_answer_fails_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hot_paths.FindOne, "verify", _answers_wrongly)
    row = asyncio.run(hot_paths.measure(hot_paths.FindOne, "memory://", TINY))
    assert (row.value, row.held, row.failure) == (None, False, "WrongAnswer: name: 'Ada' instead of 'Eve'")


async def _answers_wrongly(self: hot_paths.HotPath) -> None:
    expect("'Ada'", "'Eve'", "name")


BUDGETS = [
    ("under a ceiling", Budget(2.0), 1.9, True),
    ("at a ceiling", Budget(2.0), 2.0, False),
    ("over a ceiling", Budget(2.0), 2.1, False),
    ("over a floor", Budget(0.6, is_ceiling=False), 0.7, True),
    ("under a floor", Budget(0.6, is_ceiling=False), 0.5, False),
    ("without a budget", None, 9.9, None),
]


@pytest.mark.parametrize(("name", "budget", "value", "held"), BUDGETS, ids=[name for name, *_ in BUDGETS])
def test_budget(name: str, budget: Budget | None, value: float, held: bool | None) -> None:
    row = Row("hot-paths", name, "memory://", value, "x", budget)
    assert row.held is held
    assert all_held([row]) is (held is not False)


def test_failure_is_not_held_without_a_budget() -> None:
    assert not all_held([Row("peers", "count", "amongo memory", None, "µs", failure="WrongAnswer: 1 instead of 2")])


def test_expect_names_both_sides() -> None:
    with pytest.raises(WrongAnswer, match="count: 1 instead of 2"):
        expect(1, 2, "count")


def test_ratio_is_taken_within_rounds() -> None:
    assert Comparison([20.0, 300.0, 40.0], [10.0, 100.0, 10.0]).ratio == 3.0


def test_long_hold_counts_for_the_samples_it_swallowed() -> None:
    lag = Lag()
    for _ in range(90):
        lag.add(0.1)
    lag.add(10.0)
    assert len(lag.samples) == 100
    assert lag.percentile(0.5) == 0.1
    assert lag.percentile(0.99) == 10.0


def test_page_and_table_tell_every_row() -> None:
    rows = [
        Row("hot-paths", "find_one by _id", "memory://", 1.5, "x", Budget(2.0), "figures"),
        Row("group-commit", "commits", "local://", 0.2, "x", Budget(0.1)),
        Row("peers", "insert_one", "mongomock", 12.0, "µs"),
        Row("peers", "", "smongo", None, "µs", note="not installed"),
    ]
    machine = report.Machine.here()
    page = report.markdown(rows, machine, " --quick")
    assert "1 budgets held, 1 did not" in page
    assert "| find_one by _id | memory:// | 1.5 x | < 2 x | held | figures |" in page
    assert "| commits | local:// | 0.2 x | < 0.1 x | NOT HELD |  |" in page
    assert "| insert_one | 12 µs | not installed |" in page
    assert "find_one by _id  memory://  1.5 x" in report.plain_text(rows, machine)
    assert '"held": false' in report.as_json(rows, machine)


def test_name_that_means_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "no such workload"]) == 2
    assert "hot-paths" in capsys.readouterr().err
