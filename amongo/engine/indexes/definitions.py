"""The definitions of a collection's indexes: the documents that listIndexes shows, by name.

They are what the catalog and the log hold of an index. Every collection has the index on `_id`; a clustered collection
is that index itself, and a time-series collection has one on its metadata and time instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Definition = dict[str, Any]

ID_INDEX_NAME: Final = "_id_"


def first_indexes(options: Mapping[str, Any]) -> dict[str, Definition]:
    """The indexes with which a collection begins, by name.

    options   the collection's, as `create` was given them
    source    manual, Default Index; clusteredIndex and timeseries of create
    """
    timeseries = options.get("timeseries")
    if timeseries:
        return _time_index(timeseries)
    clustered = options.get("clusteredIndex")
    if clustered:
        name = clustered.get("name") or ID_INDEX_NAME
        return {name: {"v": 2, "key": {"_id": 1}, "name": name, "unique": True, "clustered": True}}
    index: Definition = {"v": 2, "key": {"_id": 1}, "name": ID_INDEX_NAME}
    if options.get("collation"):
        index["collation"] = options["collation"]
    return {ID_INDEX_NAME: index}


def _time_index(timeseries: Mapping[str, Any]) -> dict[str, Definition]:
    """The index on metadata and time; none where the measurements have no metadata."""
    meta, time = timeseries.get("metaField"), timeseries["timeField"]
    if meta is None:
        return {}
    name = f"{meta}_1_{time}_1"
    return {name: {"v": 2, "key": {meta: 1, time: 1}, "name": name}}


def is_secondary(definition: Mapping[str, Any]) -> bool:
    """Whether an index has keys of its own to keep: it is neither the one on `_id` nor the clustered collection."""
    return definition["name"] != ID_INDEX_NAME and not definition.get("clustered")
