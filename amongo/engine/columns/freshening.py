"""Bringing columns up to date with a large write, by who has made it, before the next query has to wait for that.

What is done here is what the next query would do. It is done once for each time that queries have asked for a path:
write after write, nobody pays for columns that nobody reads.
"""

from __future__ import annotations

from amongo.engine.columns.kept import Kept
from amongo.engine.columns.renewal import Renewal
from amongo.engine.records import Collection
from amongo.engine.store import Store
from amongo.runtime.interrupts import Interrupt


def freshen(store: Store, collection: Collection, interrupt: Interrupt) -> None:
    """Bring the paths up to date that queries have asked for since the last time. Not under the store's lock.

    interrupt   ends it, and so does whatever goes wrong: queries will hear of it
    """
    kept = collection.columns
    if not isinstance(kept, Kept):
        return
    owner = object()
    paths = kept.claim_used(owner)
    try:
        if not paths:
            return
        moment = kept.moment(store.lock, collection, paths, is_query=False)
        renewal = Renewal(moment, store.columns, interrupt)
        if not renewal.is_current:
            renewal.run()
            kept.settle(moment, renewal.parts)
    except Exception:  # the write is done; whatever it was, queries will hear of it
        return
    finally:
        kept.release(owner)
