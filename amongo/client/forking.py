"""Forks of a client: the same options, a store of its own. See `AsyncMongoClient.fork`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.common import BaseObject

from amongo.client.address import MEMORY_SCHEME, Address
from amongo.client.failures import use_after_close
from amongo.client.opening import Unopened, acquire, adopt
from amongo.client.runner import Runner
from amongo.client.sharing.attached import AttachedRunner
from amongo.commands.instance import Instance
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.runtime.workers import run

if TYPE_CHECKING:
    from amongo.client.client import AsyncMongoClient

C = TypeVar("C", bound="AsyncMongoClient[Any]")


async def fork_client(client: C) -> C:
    """A client of a store in memory that begins with what the store of `client` holds.

    errors   those of `Unopened.open`; InvalidOperation after close
    """
    runner = client._runner
    if isinstance(runner, Unopened):
        runner = await runner.open()
    await runner.breathe()
    instance = runner.instance
    forked: Runner | AttachedRunner
    if isinstance(runner, AttachedRunner):
        forked = await runner.forked()
        await run(acquire, runner.address)  # which `part` gives back
    elif instance is None:
        raise use_after_close()
    elif instance.store.is_busy or len(instance.store.catalog.by_namespace) > LOOP_DOCUMENTS:
        forked = Runner(await run(instance.fork, discard=Instance.close))  # a moment looks at each collection
    else:
        forked = Runner(instance.fork())
    twin: C = object.__new__(type(client))
    BaseObject.__init__(twin, client.codec_options, client.read_preference, client.write_concern, client.read_concern)
    twin._begin(Address(MEMORY_SCHEME, database=client._address.database), client.options)
    if isinstance(forked, AttachedRunner):
        forked.belongs_to(twin)
    adopt(twin, forked)
    return twin
