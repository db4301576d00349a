"""Forks: collections that begin with what another holds at one moment, and go their own ways.

A fork shares what does not change with its parent, and copies before it changes anything, as the parent does: chunks
of records and of index entries, layers, files. Making one copies nothing but the last chunk of records, to which the
parent goes on appending; so it takes the same time whatever the size.
"""

from __future__ import annotations

from weakref import ref

from amongo.engine.records.collection import Collection
from amongo.engine.records.id_order import NO_ORDER, IdOrder
from amongo.engine.records.standing import IndexStanding, ParentIds, Standing, standing_ids
from amongo.engine.records.trail import Follower, Trail
from amongo.engine.records.view import CHUNK_BITS, CHUNK_MASK, View


def standing_of(collection: Collection) -> Standing:
    """What a collection holds now, for forks; the same until the next write. Under the store's lock."""
    last = collection._standing
    if last is not None and _is_present(last, collection):
        return last
    trail = collection._live_trail()
    if trail is None:
        trail = Trail()
        collection._trail = ref(trail)
    view = _records(collection)
    follower = Follower(trail, view.bound)
    order = collection._id_order if collection.has_id_order else NO_ORDER
    id_layers = standing_ids(collection._by_id, collection._id_layers, follower, order)
    secondary = collection.secondary
    indexes = () if secondary is None else secondary.indexes
    standing = collection._standing = Standing(
        collection.namespace,
        collection.uuid,
        collection.options,
        collection.indexes,
        secondary,
        tuple(IndexStanding(index, index.view().layers) for index in indexes),
        view,
        collection.data_bytes,
        collection._oldest,
        id_layers,
        follower,
        collection.validation,
        collection.heads.copy(),
        all(each.is_in_order for each in id_layers if isinstance(each, ParentIds)),
    )
    return standing


def _is_present(standing: Standing, collection: Collection) -> bool:
    """Whether nothing was changed since, and nothing has come to be known that it should know."""
    return (
        standing.view is collection._view
        and standing.secondary is collection.secondary
        and standing.indexes is collection.indexes
        and standing.options is collection.options
        and standing.namespace == collection.namespace
        and (standing.has_id_order or collection._id_order is NO_ORDER or not collection.has_id_order)
    )


def _records(collection: Collection) -> View:
    """The records as they are now; of a clustered collection too without their order, which takes its time."""
    if not collection.is_clustered:
        return collection.view()
    collection._shared = set(range(len(collection._chunks)))
    chunks, bound = tuple(collection._chunks), collection.next_record_id
    return View(chunks, bound, collection.count, collection._layers, collection.data_bytes)


def forked(standing: Standing) -> Collection:
    """A collection that begins with what another held at one moment. Without a lock."""
    view = standing.view
    collection = Collection(standing.namespace, standing.uuid, standing.options)
    last, end = view.bound >> CHUNK_BITS, view.bound & CHUNK_MASK
    chunks = list(view.chunks)
    tail = chunks[last] if last < len(chunks) else None
    shared = set(range(len(chunks)))
    if tail is not None:
        chunks[last] = tail[:end]
        shared.discard(last)
    collection._chunks, collection._shared = chunks, shared
    collection._layers, collection._id_layers = view.layers, standing.id_layers
    collection.next_record_id, collection.count, collection.data_bytes = view.bound, view.count, standing.data_bytes
    collection._oldest, collection.validation = standing.oldest, standing.validation
    collection.heads = standing.heads.copy()
    collection.set_indexes(standing.indexes, standing.fork_indexes())
    if standing.has_id_order:
        collection._id_order = IdOrder((view.bound, view.count), [], [], standing.id_layers)
    return collection
