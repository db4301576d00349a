"""A view shows the records of one moment, whatever is appended while it is looked at."""

from __future__ import annotations

import pytest

from amongo.engine.files import MemoryFiles
from amongo.engine.records import Collection, record_key
from amongo.engine.settings import Settings
from amongo.engine.store import Store
from amongo.runtime.clock import ManualClock
from amongo.values.codec import encode


def append(store: Store, collection: Collection, number: int) -> None:
    raw = encode({"_id": number})
    store.insert(collection, [record_key(raw)], [raw])


@pytest.mark.parametrize("count", [3, 4100])
@pytest.mark.parametrize("checkpointed", [0, 2])
def test_what_is_appended_while_a_view_is_read_is_not_in_it(count: int, checkpointed: int) -> None:
    settings = Settings(closing_checkpoint_bytes=1 << 40)
    store = Store.open("data", files=MemoryFiles(), clock=ManualClock(), settings=settings, has_service=False)
    collection = store.create("db.c")
    for number in range(count):
        if number and number == checkpointed:
            assert store.checkpoints is not None
            store.checkpoints.checkpoint()
        append(store, collection, number)
    view = store.view(collection)
    seen = []
    for record_id, _ in view:
        seen.append(record_id)
        append(store, collection, count + len(seen))
    assert len(seen) == count == view.count
    assert [record_id for record_id, _ in view] == seen
    store.close()
