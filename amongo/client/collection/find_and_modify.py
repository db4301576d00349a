"""find_one_and_delete, _replace and _update: the findAndModify command. Source: PyMongo, collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo import helpers_shared
from pymongo.collation import validate_collation_or_none
from pymongo.collection import ReturnDocument
from pymongo.common import validate_is_mapping, validate_list_or_none, validate_ok_for_replace, validate_ok_for_update
from pymongo.errors import ConfigurationError
from pymongo.typings import _DocumentType, _Pipeline
from pymongo.write_concern import WriteConcern, validate_boolean

from amongo.client.collection.core import CollectionCore
from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from pymongo.operations import _IndexKeyHint, _IndexList


class CollectionFindAndModify(CollectionCore[_DocumentType]):
    """The operations that change one document and give it back."""

    async def find_one_and_delete(
        self,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None:
        """Delete the first document that matches, and give it; None when none does.

        errors   TypeError, OperationFailure
        """
        kwargs["remove"] = True
        return await self._find_and_modify(
            filter, projection, sort, hint=hint, session=session, let=let, comment=comment, options=kwargs
        )

    async def find_one_and_replace(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None:
        """Replace the first document that matches, and give it as it was before, or as it is after.

        errors   TypeError, ValueError, DuplicateKeyError, OperationFailure
        """
        validate_ok_for_replace(replacement)
        kwargs["update"] = replacement
        return await self._find_and_modify(
            filter,
            projection,
            sort,
            upsert,
            return_document,
            hint=hint,
            session=session,
            let=let,
            comment=comment,
            options=kwargs,
        )

    async def find_one_and_update(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _IndexKeyHint | None = None,
        session: AsyncClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None:
        """Update the first document that matches, and give it as it was before, or as it is after.

        errors   TypeError, ValueError, DuplicateKeyError, OperationFailure
        """
        validate_ok_for_update(update)
        validate_list_or_none("array_filters", array_filters)
        kwargs["update"] = update
        return await self._find_and_modify(
            filter,
            projection,
            sort,
            upsert,
            return_document,
            array_filters,
            hint=hint,
            session=session,
            let=let,
            comment=comment,
            options=kwargs,
        )

    async def _find_and_modify(
        self,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None,
        sort: _IndexList | None,
        upsert: bool | None = None,
        return_document: bool = ReturnDocument.BEFORE,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        *,
        hint: _IndexKeyHint | None,
        session: AsyncClientSession | None,
        let: Mapping[str, Any] | None,
        comment: Any,
        options: dict[str, Any],
    ) -> _DocumentType | None:
        validate_is_mapping("filter", filter)
        if not isinstance(return_document, bool):
            raise TypeError(
                f"return_document must be ReturnDocument.BEFORE or ReturnDocument.AFTER, not {type(return_document)}"
            )
        collation = validate_collation_or_none(options.pop("collation", None))
        stated = options.get("writeConcern")
        write_concern = WriteConcern(**stated) if stated is not None else self.write_concern
        command: dict[str, Any] = {"findAndModify": self._name, "query": filter, "new": return_document}
        if let is not None:
            validate_is_mapping("let", let)
            command["let"] = let
        command.update(options)
        if comment is not None:
            command["comment"] = comment
        if projection is not None:
            command["fields"] = helpers_shared._fields_list_to_dict(projection, "projection")
        if sort is not None:
            command["sort"] = helpers_shared._index_document(sort)
        if upsert is not None:
            validate_boolean("upsert", upsert)
            command["upsert"] = upsert
        if array_filters is not None:
            if not write_concern.acknowledged:
                raise ConfigurationError("arrayFilters is unsupported for unacknowledged writes.")
            command["arrayFilters"] = list(array_filters)
        if hint is not None:
            command["hint"] = hint if isinstance(hint, str) else helpers_shared._index_document(hint)
        reply = await self._run(command, session=session, write_concern=write_concern, collation=collation)
        document: _DocumentType | None = reply.get("value")
        return document
