"""Waiting for the reply of a getMore on a tailable cursor that awaits data.

Nothing is held while it waits: no thread, no lock. Each insert into the collection wakes all who wait for one, and each
then looks for itself, on the event loop if there is little to look at. A task that is cancelled lets go of the cursor.
"""

from __future__ import annotations

import time

from amongo.commands.context import Context
from amongo.commands.instance import Instance
from amongo.commands.replies import CursorReply
from amongo.commands.tailing import Awaiting
from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import LOOP_DOCUMENTS
from amongo.runtime.turns import take_turn, turn
from amongo.runtime.workers import run


async def awaited_reply(instance: Instance, awaiting: Awaiting) -> CursorReply:
    """The reply when there is something to give, an empty batch when the time is up.

    errors   those of `Awaiting.look`
    """
    try:
        while (left_s := awaiting.left_s()) > 0:
            await awaiting.change.wait_for(left_s)
            if time.monotonic() >= turn.ends:
                await take_turn()
            reply = await _look(instance, awaiting)
            if reply is not None:
                return reply
        return awaiting.nothing
    finally:
        awaiting.end()


async def _look(instance: Instance, awaiting: Awaiting) -> CursorReply | None:
    if instance.examines(awaiting) <= LOOP_DOCUMENTS and not instance.store.is_busy:
        return instance.execute(awaiting)  # type: ignore[no-any-return]
    interrupt = Interrupt()
    return await run(instance.execute, awaiting, Context(interrupt), interrupt=interrupt)
