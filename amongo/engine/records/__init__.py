"""Records: documents as bytes under record ids, and the `_id` index."""

from amongo.engine.records.cap import Cap
from amongo.engine.records.collection import Collection, IdOrder
from amongo.engine.records.conversion import converted
from amongo.engine.records.record_keys import (
    OBJECT_ID_ELEMENT,
    id_document,
    object_id_keys,
    record_id_value,
    record_key,
    record_keys,
)
from amongo.engine.records.view import View

__all__ = [
    "OBJECT_ID_ELEMENT",
    "Cap",
    "Collection",
    "IdOrder",
    "View",
    "converted",
    "id_document",
    "object_id_keys",
    "record_id_value",
    "record_key",
    "record_keys",
]
