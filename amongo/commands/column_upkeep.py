"""What a large write does for the columns of its collection, before it is acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amongo.runtime.interrupts import Interrupt
from amongo.runtime.limits import COLUMN_FRESHEN_COUNT

if TYPE_CHECKING:
    from amongo.commands.instance import Instance


def freshen_columns(instance: Instance, namespace: str, count: int, interrupt: Interrupt) -> None:
    """Bring the columns up to date that queries read, where so many documents were changed or removed that the next one
    would have to do it. Not on an event loop, on which no write is as large.

    count       of the documents
    interrupt   ends it; the write is done, and stays so
    """
    if count < COLUMN_FRESHEN_COUNT:
        return
    collection = instance.store.catalog.by_namespace.get(namespace)
    if collection is not None and collection.columns is not None:
        from amongo.engine.columns.freshening import freshen  # loads Arrow, which columns have loaded already

        freshen(instance.store, collection, interrupt)
