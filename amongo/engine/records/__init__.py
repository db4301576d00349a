"""Records: documents as bytes under record ids, and the `_id` index."""

from amongo.engine.records.cap import Cap
from amongo.engine.records.collection import Collection
from amongo.engine.records.conversion import converted
from amongo.engine.records.forked import forked, standing_of
from amongo.engine.records.frozen import FrozenRecords
from amongo.engine.records.id_order import IdOrder
from amongo.engine.records.layers import BELOW, Below, IdLayer, RecordLayer, Slot
from amongo.engine.records.record_keys import (
    OBJECT_ID_ELEMENT,
    id_document,
    object_id_keys,
    record_id_value,
    record_key,
    record_keys,
)
from amongo.engine.records.standing import Standing
from amongo.engine.records.view import View, record_in

__all__ = [
    "BELOW",
    "OBJECT_ID_ELEMENT",
    "Below",
    "Cap",
    "Collection",
    "FrozenRecords",
    "IdLayer",
    "IdOrder",
    "RecordLayer",
    "Slot",
    "Standing",
    "View",
    "converted",
    "forked",
    "id_document",
    "object_id_keys",
    "record_id_value",
    "record_in",
    "record_key",
    "record_keys",
    "standing_of",
]
