"""What tests of commands share: an instance in memory, and a way to ask it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asking import Ask

from amongo.commands.instance import Instance
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.values.codec import decode, encode


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def instance(clock: ManualClock) -> Iterator[Instance]:
    opened = Instance.open(None, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def ask(instance: Instance) -> Ask:
    """ask({"ping": 1}): the reply to a command on the database `shop`, of a failed one too; all of it decoded."""

    def run(command: dict[str, Any], database: str = "shop") -> dict[str, Any]:
        try:
            reply = instance.run_command(database, encode(command))
        except ServerError as error:
            reply = error.reply()
        return decode(encode(reply))

    return run


@pytest.fixture
def fruit(ask: Ask) -> None:
    """Five documents in `shop.fruit`."""
    documents = [
        {"_id": 1, "name": "pear", "n": 4, "tags": ["green", "soft"]},
        {"_id": 2, "name": "apple", "n": 2, "tags": ["red"]},
        {"_id": 3, "name": "fig", "n": 4, "tags": []},
        {"_id": 4, "name": "kiwi", "tags": "green"},
        {"_id": 5, "name": "plum", "n": None, "tags": ["red", ["soft"]]},
    ]
    assert ask({"insert": "fruit", "documents": documents})["n"] == 5
