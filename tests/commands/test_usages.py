"""What collections are used for is told while others use them."""

from __future__ import annotations

import pytest

from amongo.commands import usages
from amongo.commands.usages import Usages


def test_a_command_that_comes_while_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    used = Usages(lambda namespace: True)
    used.add("shop.fruit", "find", 5)
    kind = usages._kind

    def meanwhile(command: str) -> str:
        used.add("shop.fruit", "insert", 3)
        return kind(command)

    monkeypatch.setattr(usages, "_kind", meanwhile)
    assert used.totals()["shop.fruit"]["queries"] == {"time": 5, "count": 1}


def test_commands_come_together_in_groups() -> None:
    used = Usages(lambda namespace: True)
    for command, micros in (("find", 5), ("count", 6), ("insert", 9), ("drop", 0)):
        used.add("shop.fruit", command, micros)
    told = used.totals()["shop.fruit"]
    assert told["total"] == {"time": 20, "count": 4}
    assert told["readLock"] == {"time": 11, "count": 2}
    assert told["writeLock"] == {"time": 9, "count": 2}
    assert told["commands"] == {"time": 6, "count": 2}
    shown = used.latencies("shop.fruit", with_histograms=True)
    assert shown["reads"] == {"latency": 11, "ops": 2, "histogram": [{"micros": 4, "count": 2}]}
    assert shown["commands"]["histogram"] == [{"micros": 0, "count": 1}]
