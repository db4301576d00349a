"""How many connections are let in each second."""

from __future__ import annotations

from typing import Any

import pymongo
import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from amongo import AsyncMongoClient
from amongo.commands.server_parameters import INGRESS_BURST, INGRESS_LIMITED, INGRESS_QUEUE, INGRESS_RATE
from amongo.runtime.clock import ManualClock
from amongo.server.admission import Admission
from amongo.server.server import AsyncWireServer

LIMITED: dict[str, Any] = {INGRESS_LIMITED: True, INGRESS_RATE: 2, INGRESS_BURST: 1.5, INGRESS_QUEUE: 1}


def test_it_is_off() -> None:
    admission = Admission({}, ManualClock().monotonic)
    assert not admission.is_limited
    assert [admission.delay_s() for _ in range(100)] == [0.0] * 100


def test_bursts_queues_and_refusals() -> None:
    clock = ManualClock()
    admission = Admission(LIMITED, clock.monotonic)
    assert [admission.delay_s() for _ in range(6)] == [0.0, 0.0, 0.0, 0.5, None, None]
    clock.advance(500)  # the one that waited is in
    assert [admission.delay_s() for _ in range(2)] == [0.5, None]
    clock.advance(60_000)  # more than a burst is not saved up
    assert [admission.delay_s() for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, None]


def test_what_was_taken_is_forgotten_when_it_is_turned_off() -> None:
    parameters = dict(LIMITED)
    admission = Admission(parameters, ManualClock().monotonic)
    for _ in range(5):
        admission.delay_s()
    parameters[INGRESS_LIMITED] = False
    assert admission.delay_s() == 0.0
    parameters[INGRESS_LIMITED] = True
    assert admission.delay_s() == 0.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # PyMongo's


@pytest.mark.anyio
async def test_a_connection_is_sent_away() -> None:
    async with AsyncMongoClient("memory://") as store, AsyncWireServer(store, port=0) as server:
        uri = f"mongodb://{server.address}/?directConnection=true"
        async with pymongo.AsyncMongoClient(uri) as client:
            await client.admin.command("ping")
            for name, value in {**LIMITED, INGRESS_RATE: 1, INGRESS_BURST: 0.5, INGRESS_QUEUE: 0}.items():
                await client.admin.command("setParameter", 1, **{name: value})
            with pytest.raises(OperationFailure):
                await client.admin.command("setParameter", 1, **{INGRESS_RATE: 0})
            async with pymongo.AsyncMongoClient(uri, serverSelectionTimeoutMS=200) as other:
                with pytest.raises(AutoReconnect):
                    await other.admin.command("ping")
            assert server.refused
            await client.admin.command("ping")
