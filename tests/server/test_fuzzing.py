"""A short run of the campaign against the parser of messages; the long ones are recorded in docs/campaigns.md."""

from __future__ import annotations

import anyio

from tests.server.fuzzing import campaign, cut, expected
from tests.server.hostile import right_messages


def test_spoiled_messages() -> None:
    outcomes = anyio.run(campaign, 20_261_122, 4_000)
    assert sum(outcomes.values()) == 4_000
    assert min(outcomes["request"], outcomes["malformed"], outcomes["40571"] + outcomes["22"]) > 5


def test_messages_are_cut_alike_however_they_come() -> None:
    stream = b"".join(right_messages())
    assert len(expected(stream)) == len(right_messages())

    async def all_ways() -> None:
        for size in (1, 7, 1000, 100_000):
            assert await cut(stream, size) == expected(stream), size

    anyio.run(all_ways)
