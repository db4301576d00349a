"""A fork's collection as it was before: what was done since is taken back.

The secondary indexes go back with the records. Where one cannot take what there was (it is newer than that), the fork
goes without any: what a query finds is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from amongo.engine.indexes import IndexChange, Secondary, first_indexes
from amongo.engine.records import Collection, record_key
from amongo.errors import ServerError
from amongo.runtime.interrupts import Interrupt

_NOTHING: tuple[dict[bytes, bytes], ...] = ({},)


def rewind(collection: Collection, former: Mapping[int, bytes | None], interrupt: Interrupt) -> None:
    """Make a collection hold again what it held before. It is a fork's own, and nobody reads it yet.

    former      by record id: the document that was there, None where there was none
    interrupt   ends it; the fork is of no use then
    """
    collator = collection.collator
    secondary = collection.secondary
    if secondary is not None:
        try:
            _index_change(collection, secondary, former, interrupt).make(interrupt)
        except ServerError:
            collection.set_indexes(first_indexes(collection.options), None)
    for record_id, then in interrupt.watch(former.items()):
        now = collection.record(record_id)
        if now is None:
            continue
        if then is not None:
            collection.replace(record_id, then)
        else:
            collection.remove([(record_id, record_key(now, collator))])
    for record_id in interrupt.watch(sorted(former)):  # behind the others, one of which may have had the `_id` since
        then = former[record_id]
        if then is not None and collection.record(record_id) is None:
            collection.put_back(record_id, record_key(then, collator), then)


def _index_change(
    collection: Collection, secondary: Secondary, former: Mapping[int, bytes | None], interrupt: Interrupt
) -> IndexChange:
    """What going back does to the indexes.

    errors   ServerError where an index cannot take what there was
    """
    nothing = _NOTHING * len(secondary.indexes)
    replacements = []
    for record_id, then in interrupt.watch(former.items()):
        now = collection.record(record_id)
        before = nothing if now is None else secondary.keys_held(now)
        replacements.append((record_id, before, nothing if then is None else secondary.keys(then)))
    change = IndexChange(secondary)
    clash = change.replace_together(replacements)
    if clash is not None:
        raise clash.error(collection.namespace, next(filter(None, former.values())))
    return change
