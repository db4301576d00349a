"""Waiting for the reply of a getMore on a cursor that awaits data: on a capped collection, or a change stream.

Nothing is held while it waits: no thread, no lock. What comes wakes all who wait for it, by turns (see
`amongo.runtime.waking`), and each then looks for itself, on the event loop if there is little to look at. A task that
is cancelled lets go of the cursor.
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
            has_turn = False
            if not awaiting.has_more:
                has_turn = await awaiting.sleeper.sleep(awaiting.change, left_s, lambda: awaiting.is_over)
            if not has_turn and time.monotonic() >= turn.ends:
                await take_turn(is_patient=True)
            reply = await _look(instance, awaiting)
            if reply is not None:
                return reply
        return awaiting.nothing()
    finally:
        awaiting.end()


async def _look(instance: Instance, awaiting: Awaiting) -> CursorReply | None:
    if instance.examines(awaiting) <= LOOP_DOCUMENTS and not instance.store.is_busy:
        return instance.execute(awaiting)  # type: ignore[no-any-return]
    interrupt = Interrupt()
    return await run(instance.execute, awaiting, Context(interrupt), interrupt=interrupt)
