"""What becomes of documents: live queries, and what documents were before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pymongo.typings import _CollationIn, _DocumentType

from amongo.client.collection.core import CollectionCore
from amongo.client.history_cursor import AsyncHistoryCursor
from amongo.client.live import AsyncLiveQuery
from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from pymongo.operations import _IndexKeyHint


class CollectionHistory(CollectionCore[_DocumentType]):
    """The operations that follow the log. PyMongo has none of them: a server is asked again and again instead."""

    def live(
        self,
        filter: Mapping[str, Any] | None = None,
        *,
        sort: _IndexKeyHint | None = None,
        limit: int = 0,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        collation: _CollationIn | None = None,
        session: AsyncClientSession | None = None,
    ) -> AsyncLiveQuery[_DocumentType]:
        """The result of a find, and then each change of it, as it is committed.

        The order without `sort` is natural order, which also decides between documents that sort alike. A collection
        that does not exist is an empty one. `$$NOW` is when the live query began. Without `async with`, close it.

        limit    documents of the result at most; 0 for all. When one of them goes, the next comes in
        session  the result has all that was written in it
        errors   TypeError, ValueError, InvalidOperation; when it is read, OperationFailure: see `AsyncLiveQuery.next`;
                 72 (InvalidOptions) for `$text` and `$near`, 166 (CommandNotSupportedOnView)
        """
        return AsyncLiveQuery(
            self._itself(),
            filter,
            sort=sort,
            limit=limit,
            projection=projection,
            collation=collation,
            session=session,
        )

    def history(self, _id: Any) -> AsyncHistoryCursor[_DocumentType]:
        """The versions of a document, as far as the log is kept, the oldest first.

        Each is {operation: "insert" | "update" | "replace" | "delete", clusterTime, wallTime, document}; a deletion has
        no `document`. One that was not changed for longer than the log is kept has none. `find(…, as_of=…)` takes a
        `clusterTime` of these.

        errors   OperationFailure: 166 (CommandNotSupportedOnView), 146 (ExceededMemoryLimit) for versions of more than
                 100 MiB
        """
        return AsyncHistoryCursor(self._itself(), _id)
