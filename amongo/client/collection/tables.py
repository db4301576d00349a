"""Reading a collection as a table: what amongo has beside PyMongo's methods. Arrow, pandas, Polars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import helpers_shared
from pymongo.common import validate_is_mapping, validate_list
from pymongo.typings import _DocumentType, _Pipeline

from amongo.client.collection.core import CollectionCore
from amongo.client.documents import canonical
from amongo.client.session import refuse_transaction
from amongo.commands.find import FindOptions
from amongo.commands.tables import AggregateTableRequest, FindTableRequest
from amongo.runtime.workers import run


class CollectionTables(CollectionCore[_DocumentType]):
    """The operations of a collection that give tables."""

    async def to_arrow(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        *,
        sort: Any | None = None,
        skip: int = 0,
        limit: int = 0,
        max_time_ms: int | None = None,
    ) -> Any:
        """The documents that match, as a `pyarrow.Table`: a column for each top-level field.

        filter, projection, sort, skip, limit, max_time_ms   as of `find`
        result   ints, doubles, strings, dates, … with Arrow's types; null and missing are both null; documents and
                 arrays are structs and lists where all are alike, and Extended JSON otherwise; the metadata of each
                 field names its BSON types under "bson". See docs/guide/analytics.md
        errors   TypeError, OperationFailure; InvalidOperation in a transaction
        """
        refuse_transaction(self._client, "to_arrow")
        options = self.codec_options
        if filter is not None:
            validate_is_mapping("filter", filter)
        if projection is not None and not isinstance(projection, Mapping):
            projection = dict.fromkeys(projection, 1)
        pattern = None if sort is None else helpers_shared._index_document(helpers_shared._index_list(sort))
        asked = canonical({"filter": filter or {}, "projection": projection, "sort": pattern}, options)
        request = FindTableRequest(
            self._full_name,
            asked["filter"],
            asked["projection"],
            asked["sort"],
            skip,
            limit,
            FindOptions(max_time_ms=max_time_ms),
        )
        return await self._client._runner.execute(request)

    async def aggregate_arrow(
        self,
        pipeline: _Pipeline,
        *,
        let: Mapping[str, Any] | None = None,
        hint: Any | None = None,
        allow_disk_use: bool | None = None,
        max_time_ms: int | None = None,
    ) -> Any:
        """What a pipeline gives, as a `pyarrow.Table`; types as of `to_arrow`.

        errors   TypeError, OperationFailure; InvalidOperation in a transaction
        """
        refuse_transaction(self._client, "aggregate_arrow")
        validate_list("pipeline", pipeline)
        command: dict[str, Any] = {"aggregate": self._name, "pipeline": pipeline, "cursor": {}}
        more = {"let": let, "hint": hint, "allowDiskUse": allow_disk_use, "maxTimeMS": max_time_ms}
        command.update({name: value for name, value in more.items() if value is not None})
        request = AggregateTableRequest(self._database.name, canonical(command, self.codec_options))
        return await self._client._runner.execute(request)

    async def to_pandas(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Like `to_arrow`, as a `pandas.DataFrame`; pandas has to be installed (extra `pandas`)."""
        table = await self.to_arrow(filter, projection, **kwargs)
        return await run(table.to_pandas)

    async def to_polars(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Like `to_arrow`, as a `polars.DataFrame`; Polars has to be installed (extra `polars`).

        errors   ImportError without it
        """
        import polars  # late: it is no dependency

        table = await self.to_arrow(filter, projection, **kwargs)
        return await run(polars.from_arrow, table)
