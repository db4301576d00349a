"""The query of a cursor: what `find` was asked for, and the chainable methods that say more.

Checks and messages are PyMongo's; source: PyMongo, cursor.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Self

from bson import RE_TYPE
from bson.code import Code
from bson.codec_options import CodecOptions
from bson.son import SON
from bson.timestamp import Timestamp
from pymongo import helpers_shared
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_is_document_type, validate_is_mapping
from pymongo.cursor import CursorType
from pymongo.errors import InvalidOperation
from pymongo.typings import _CollationIn, _DocumentType
from pymongo.write_concern import validate_boolean

from amongo.client.session import AsyncClientSession

if TYPE_CHECKING:
    from amongo.client.collection import AsyncCollection

_Sort = Sequence[str | tuple[str, int | str | Mapping[str, Any]]] | Mapping[str, Any]
_Hint = str | _Sort

# The wire protocol's cursor flags (source: manual, find command; PyMongo, Cursor.add_option).
TAILABLE, OPLOG_REPLAY, NO_TIMEOUT, AWAIT_DATA, EXHAUST, PARTIAL = 2, 8, 16, 32, 64, 128
_INT32_MAX = 2**31 - 1
_FLAG_FIELDS = {
    "tailable": TAILABLE,
    "oplogReplay": OPLOG_REPLAY,
    "noCursorTimeout": NO_TIMEOUT,
    "awaitData": AWAIT_DATA,
    "allowPartialResults": PARTIAL,
}
# Options in a filter of the form {"$query": …}, and the command's field for each (source: PyMongo, cursor).
_FILTER_OPTIONS = {
    "$query": "filter",
    "$orderby": "sort",
    "$hint": "hint",
    "$comment": "comment",
    "$maxScan": "maxScan",
    "$max": "max",
    "$min": "min",
    "$returnKey": "returnKey",
    "$showRecordId": "showRecordId",
    "$showDiskLoc": "showRecordId",
    "$maxTimeMS": "maxTimeMS",
    "$snapshot": "snapshot",
}
_CLONED = (
    *("_spec", "_projection", "_skip", "_limit", "_max_time_ms", "_max_await_time_ms", "_comment", "_max", "_min"),
    *("_ordering", "_explain", "_hint", "_batch_size", "_max_scan", "_query_flags", "_collation", "_empty", "_let"),
    *("_show_record_id", "_return_key", "_allow_disk_use", "_snapshot", "_exhaust", "_has_filter", "_cursor_type"),
    "_as_of",
)


class CursorQuery(Generic[_DocumentType]):
    """The query half of a cursor: everything up to its first request."""

    _id: int | None
    _retrieved: int

    def __init__(
        self,
        collection: AsyncCollection[_DocumentType],
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        cursor_type: int = CursorType.NON_TAILABLE,
        sort: _Sort | None = None,
        allow_partial_results: bool = False,
        oplog_replay: bool = False,
        batch_size: int = 0,
        collation: _CollationIn | None = None,
        hint: _Hint | None = None,
        max_scan: int | None = None,
        max_time_ms: int | None = None,
        max: _Sort | None = None,
        min: _Sort | None = None,
        return_key: bool | None = None,
        show_record_id: bool | None = None,
        snapshot: bool | None = None,
        comment: Any | None = None,
        session: AsyncClientSession | None = None,
        allow_disk_use: bool | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> None:
        self._collection = collection
        self._session = session
        spec: Mapping[str, Any] = filter or {}
        validate_is_mapping("filter", spec)
        if not isinstance(skip, int):
            raise TypeError(f"skip must be an instance of int, not {type(skip)}")
        if not isinstance(limit, int):
            raise TypeError(f"limit must be an instance of int, not {type(limit)}")
        validate_boolean("no_cursor_timeout", no_cursor_timeout)
        if no_cursor_timeout and session is not None and session._implicit:
            warnings.warn(
                "use an explicit session with no_cursor_timeout=True otherwise the cursor may still timeout",
                UserWarning,
                stacklevel=3,
            )
        if cursor_type not in (0, TAILABLE, TAILABLE | AWAIT_DATA, EXHAUST):
            raise ValueError("not a valid value for cursor_type")
        validate_boolean("allow_partial_results", allow_partial_results)
        validate_boolean("oplog_replay", oplog_replay)
        _check_batch_size(batch_size)
        if allow_disk_use is not None:
            validate_boolean("allow_disk_use", allow_disk_use)
        if let is not None:
            validate_is_document_type("let", let)
        self._let = let
        self._as_of: Timestamp | datetime | None = None
        self._spec = spec
        self._has_filter = filter is not None
        self._projection = None if projection is None else _projection(projection)
        self._skip = skip
        self._limit = limit
        self._batch_size = batch_size
        self._ordering = helpers_shared._index_document(sort) if sort else None
        self._max_scan = max_scan
        self._explain = False
        self._comment = comment
        self._max_time_ms = max_time_ms
        self._max_await_time_ms: int | None = None
        self._max: Any = max
        self._min: Any = min
        self._collation = validate_collation_or_none(collation)
        self._return_key = return_key
        self._show_record_id = show_record_id
        self._allow_disk_use = allow_disk_use
        self._snapshot = snapshot
        self._hint = _hint_of(hint)
        self._empty = False
        self._exhaust = cursor_type == EXHAUST
        if self._exhaust and limit:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._cursor_type = cursor_type
        self._query_flags = int(cursor_type)
        if no_cursor_timeout:
            self._query_flags |= NO_TIMEOUT
        if allow_partial_results:
            self._query_flags |= PARTIAL
        if oplog_replay:
            self._query_flags |= OPLOG_REPLAY
        self._ready()

    def _ready(self) -> None:
        """Make the other half of the cursor ready; the arguments are good."""

    # What the query asks

    def _is_plain(self) -> bool:
        """Whether filter, projection, sort, skip, limit and batch size say everything, but for a session."""
        return not (
            self._hint
            or self._let
            or self._comment
            or self._max_time_ms is not None
            or self._max
            or self._min
            or self._max_scan
            or self._collation
            or self._as_of is not None
            or self._return_key is not None
            or self._show_record_id is not None
            or self._snapshot is not None
            or self._allow_disk_use is not None
            or self._query_flags & ~EXHAUST
            or "$query" in self._spec
            or not (0 <= self._skip <= _INT32_MAX and abs(self._limit) <= _INT32_MAX >= self._batch_size)
        )

    def _first_batch_size(self) -> int | None:
        if not self._batch_size:
            return None
        return self._batch_size + 1 if self._limit == self._batch_size else self._batch_size

    def _command(self) -> dict[str, Any]:
        """The find command that PyMongo would send."""
        spec = self._spec
        command: dict[str, Any] = {"find": self._collection.name}
        if "$query" in spec:
            command.update({_FILTER_OPTIONS.get(name, name): value for name, value in spec.items()})
            command.pop("$explain", None)
            command.pop("$readPreference", None)
        else:
            command["filter"] = spec
        options = {
            "sort": self._ordering or None,
            "hint": self._hint or None,
            "let": self._let or None,
            "comment": self._comment or None,
            "maxScan": self._max_scan or None,
            "maxTimeMS": self._max_time_ms,
            "max": dict(self._max) if self._max else None,
            "min": dict(self._min) if self._min else None,
            "returnKey": self._return_key,
            "showRecordId": self._show_record_id,
            "snapshot": self._snapshot,
            "projection": self._projection or None,
            "skip": self._skip or None,
            "limit": abs(self._limit) or None,
            "singleBatch": True if self._limit < 0 else None,
            "batchSize": self._first_batch_size(),
            "collation": self._collation or None,
            "allowDiskUse": self._allow_disk_use,
        }
        command.update({name: value for name, value in options.items() if value is not None})
        command.update({name: True for name, flag in _FLAG_FIELDS.items() if self._query_flags & flag})
        return command

    # Saying more; each refuses once the query has been sent

    def _check_okay_to_chain(self) -> None:
        if self._retrieved or self._id is not None:
            raise InvalidOperation("cannot set options after executing query")

    async def add_option(self, mask: int) -> Self:
        """Set cursor flags, given as the wire protocol's bits.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_okay_to_chain()
        if mask & EXHAUST:
            if self._limit:
                raise InvalidOperation("Can't use limit and exhaust together.")
            self._exhaust = True
        self._query_flags |= mask
        return self

    def remove_option(self, mask: int) -> Self:
        """Clear cursor flags.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(mask, int):
            raise TypeError(f"mask must be an int, not {type(mask)}")
        self._check_okay_to_chain()
        if mask & EXHAUST:
            self._exhaust = False
        self._query_flags &= ~mask
        return self

    def allow_disk_use(self, allow_disk_use: bool) -> Self:
        """Let a blocking sort spill to disk.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(allow_disk_use, bool):
            raise TypeError(f"allow_disk_use must be a bool, not {type(allow_disk_use)}")
        self._check_okay_to_chain()
        self._allow_disk_use = allow_disk_use
        return self

    def limit(self, limit: int) -> Self:
        """Give at most `limit` documents; 0 for all, negative for one batch of at most that many.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(limit, int):
            raise TypeError(f"limit must be an integer, not {type(limit)}")
        if self._exhaust:
            raise InvalidOperation("Can't use limit and exhaust together.")
        self._check_okay_to_chain()
        self._empty = False
        self._limit = limit
        return self

    def batch_size(self, batch_size: int) -> Self:
        """Fetch at most `batch_size` documents at a time; 0 for the server's choice.

        errors   TypeError, ValueError, InvalidOperation
        """
        _check_batch_size(batch_size)
        self._check_okay_to_chain()
        self._batch_size = batch_size
        return self

    def skip(self, skip: int) -> Self:
        """Leave out the first `skip` documents.

        errors   TypeError, ValueError, InvalidOperation
        """
        if not isinstance(skip, int):
            raise TypeError(f"skip must be an integer, not {type(skip)}")
        if skip < 0:
            raise ValueError("skip must be >= 0")
        self._check_okay_to_chain()
        self._skip = skip
        return self

    def max_time_ms(self, max_time_ms: int | None) -> Self:
        """End the query with ExecutionTimeout when it has run for `max_time_ms` milliseconds.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(max_time_ms, int) and max_time_ms is not None:
            raise TypeError(f"max_time_ms must be an integer or None, not {type(max_time_ms)}")
        self._check_okay_to_chain()
        self._max_time_ms = max_time_ms
        return self

    def max_await_time_ms(self, max_await_time_ms: int | None) -> Self:
        """How many milliseconds a getMore of a tailable, awaiting cursor waits for a document.

        errors   TypeError, InvalidOperation
        """
        if not isinstance(max_await_time_ms, int) and max_await_time_ms is not None:
            raise TypeError(f"max_await_time_ms must be an integer or None, not {type(max_await_time_ms)}")
        self._check_okay_to_chain()
        if self._query_flags & (TAILABLE | AWAIT_DATA):
            self._max_await_time_ms = max_await_time_ms
        return self

    def max_scan(self, max_scan: int | None) -> Self:
        """An option that servers no longer have; sent all the same.

        errors   InvalidOperation
        """
        self._check_okay_to_chain()
        self._max_scan = max_scan
        return self

    def max(self, spec: _Sort) -> Self:
        """The upper bound of the hinted index, exclusive: a list of (field, limit).

        errors   TypeError, InvalidOperation
        """
        if not isinstance(spec, (list, tuple)):
            raise TypeError(f"spec must be an instance of list or tuple, not {type(spec)}")
        self._check_okay_to_chain()
        self._max = dict(spec)
        return self

    def min(self, spec: _Sort) -> Self:
        """The lower bound of the hinted index, inclusive: a list of (field, limit).

        errors   TypeError, InvalidOperation
        """
        if not isinstance(spec, (list, tuple)):
            raise TypeError(f"spec must be an instance of list or tuple, not {type(spec)}")
        self._check_okay_to_chain()
        self._min = dict(spec)
        return self

    def sort(self, key_or_list: _Hint, direction: int | str | None = None) -> Self:
        """Sort by a field, or by a list of (field, direction); the last call counts.

        errors   TypeError, ValueError, InvalidOperation
        """
        self._check_okay_to_chain()
        self._ordering = helpers_shared._index_document(helpers_shared._index_list(key_or_list, direction))
        return self

    def hint(self, index: _Hint | None) -> Self:
        """Use the index of this name or key pattern; None takes the hint back.

        errors   TypeError, ValueError, InvalidOperation
        """
        self._check_okay_to_chain()
        self._hint = _hint_of(index)
        return self

    def comment(self, comment: Any) -> Self:
        """Send a comment along.

        errors   InvalidOperation
        """
        self._check_okay_to_chain()
        self._comment = comment
        return self

    def where(self, code: str | Code) -> Self:
        """Add a `$where` clause of JavaScript to the filter.

        errors   TypeError, InvalidOperation
        """
        self._check_okay_to_chain()
        self._spec = {**self._spec, "$where": code if isinstance(code, Code) else Code(code)}
        return self

    def as_of(self, as_of: Timestamp | datetime | None) -> Self:
        """Read the collection as it was; see `AsyncCollection.find`. None for as it is.

        errors   TypeError, InvalidOperation
        """
        if as_of is not None and not isinstance(as_of, (Timestamp, datetime)):
            raise TypeError(f"as_of must be an instance of Timestamp or datetime, not {type(as_of)}")
        self._check_okay_to_chain()
        self._as_of = as_of
        return self

    def collation(self, collation: _CollationIn | None) -> Self:
        """Compare strings as this collation says.

        errors   TypeError, InvalidOperation
        """
        self._check_okay_to_chain()
        self._collation = validate_collation_or_none(collation)
        return self

    # Copies

    def clone(self) -> Self:
        """A cursor with the same query, not yet sent."""
        return self._copy(is_deep=True)

    def _copy(self, is_deep: bool) -> Self:
        twin = type(self)(self._collection, session=self._session)
        self._copy_query_to(twin, is_deep)
        return twin

    def _copy_query_to(self, twin: CursorQuery[Any], is_deep: bool) -> None:
        settings = {name: self.__dict__[name] for name in _CLONED}
        twin.__dict__.update(_deep_copy(settings) if is_deep else settings)

    def __copy__(self) -> Self:
        return self._copy(is_deep=False)

    def __deepcopy__(self, memo: Any) -> Self:
        return self._copy(is_deep=True)

    @property
    def _codec_options(self) -> CodecOptions[Any]:
        return self._collection.codec_options


def _check_batch_size(batch_size: int) -> None:
    if not isinstance(batch_size, int):
        raise TypeError(f"batch_size must be an integer, not {type(batch_size)}")
    if batch_size < 0:
        raise ValueError("batch_size must be >= 0")


def _projection(projection: Mapping[str, Any] | Iterable[str]) -> Mapping[str, Any]:
    return helpers_shared._fields_list_to_dict(projection, "projection")


def _hint_of(index: _Hint | None) -> str | dict[str, Any] | None:
    if index is None or isinstance(index, str):
        return index
    return helpers_shared._index_document(index)


def _deep_copy(value: Any) -> Any:
    """A copy that shares no container with `value`; regular expressions, which cannot be copied, are shared."""
    if isinstance(value, dict) and not isinstance(value, SON):
        return {key: _deep_copy(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_deep_copy(each) for each in value]
    return value if isinstance(value, RE_TYPE) else copy.deepcopy(value)
