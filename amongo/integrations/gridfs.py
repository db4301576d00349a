"""GridFS on an embedded store: files of any size, cut into documents. Source: PyMongo, gridfs; manual, GridFS.

    bucket = AsyncGridFSBucket(client.shop)
    identity = await bucket.upload_from_stream("photo.jpg", content)

The classes are PyMongo's own, and do what they do on a cluster. On a database of PyMongo's client (a `mongodb://`
address) they are PyMongo's altogether. They ask of what class a database and a collection are; so those of an embedded
store are shown to them as PyMongo's, and only the cursor over files is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any, Final, Generic, NoReturn, Self, TypeVar

import gridfs
from bson.codec_options import TypeRegistry
from gridfs.asynchronous.grid_file import AsyncGridOut
from gridfs.synchronous.grid_file import GridOut
from pymongo.asynchronous.collection import AsyncCollection as PyMongoAsyncCollection
from pymongo.asynchronous.database import AsyncDatabase as PyMongoAsyncDatabase
from pymongo.errors import InvalidOperation
from pymongo.synchronous.collection import Collection as PyMongoCollection
from pymongo.synchronous.database import Database as PyMongoDatabase

from amongo.client import AsyncDatabase
from amongo.client.sync import Database

__all__ = ["AsyncGridFS", "AsyncGridFSBucket", "AsyncGridOutCursor", "GridFS", "GridFSBucket", "GridOutCursor"]

File = TypeVar("File")


def _shown_as(kind: type) -> Any:
    """A class of objects that are of PyMongo's class `kind`, and in all else what they were made of."""

    class Shown(kind):  # type: ignore[misc]
        def __init__(self, own: Any) -> None:
            object.__setattr__(self, "_own", own)

        def __getattribute__(self, name: str) -> Any:
            return getattr(object.__getattribute__(self, "_own"), name)

        def __getitem__(self, name: str) -> Any:
            return object.__getattribute__(self, "_own")[name]

    return Shown


_AsyncDatabase = _shown_as(PyMongoAsyncDatabase)
_AsyncCollection = _shown_as(PyMongoAsyncCollection)
_Database = _shown_as(PyMongoDatabase)
_Collection = _shown_as(PyMongoCollection)


class _Cursor(Generic[File]):
    """A cursor over the documents of files, which gives the files. What it does not have itself, the cursor has."""

    def __init__(
        self,
        root: Any,
        filter: Mapping[str, Any] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        sort: Any | None = None,
        batch_size: int = 0,
        session: Any | None = None,
    ) -> None:
        """
        root     the collection that the names of the two begin with
        errors   InvalidOperation in a transaction; those of `find`
        """
        _refuse_transaction(session)
        self._root, self._session = root, session
        files = root.files.with_options(codec_options=root.codec_options.with_options(type_registry=TypeRegistry()))
        self._cursor = files.find(
            filter,
            skip=skip,
            limit=limit,
            no_cursor_timeout=no_cursor_timeout,
            sort=sort,
            batch_size=batch_size,
            session=session,
        )

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cursor, name)
        if not callable(found):
            return found

        @wraps(found)
        def call(*args: Any, **kwargs: Any) -> Any:
            result = found(*args, **kwargs)
            return self if result is self._cursor else result

        return call

    def clone(self) -> Self:
        """A cursor for the same files that has not begun."""
        twin = object.__new__(type(self))
        twin._root, twin._session, twin._cursor = self._root, self._session, self._cursor.clone()
        return twin

    def __copy__(self) -> Self:
        return self.clone()

    def __deepcopy__(self, memo: Any) -> Self:
        return self.clone()

    def add_option(self, *args: Any, **kwargs: Any) -> NoReturn:
        """errors: NotImplementedError"""
        raise NotImplementedError("Method does not exist for GridOutCursor")

    def remove_option(self, *args: Any, **kwargs: Any) -> NoReturn:
        """errors: NotImplementedError"""
        raise NotImplementedError("Method does not exist for GridOutCursor")


class AsyncGridOutCursor(_Cursor[AsyncGridOut]):
    """The files that a query finds."""

    async def next(self) -> AsyncGridOut:
        """The next file. errors: StopAsyncIteration behind the last; those of a cursor; InvalidOperation."""
        _refuse_transaction(self._session)
        return AsyncGridOut(self._root, file_document=await self._cursor.next(), session=self._session)

    __anext__ = next

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._cursor.close()

    async def rewind(self) -> Self:
        """Begin again with the next file that is asked for."""
        await self._cursor.rewind()
        return self

    async def to_list(self, length: int | None = None) -> list[AsyncGridOut]:
        """The files that are left, at most `length` of them. errors: ValueError for less than one."""
        found = await self._cursor.to_list(length)
        return [AsyncGridOut(self._root, file_document=each, session=self._session) for each in found]


class GridOutCursor(_Cursor[GridOut]):
    """The files that a query finds."""

    def next(self) -> GridOut:
        """The next file. errors: StopIteration behind the last; those of a cursor; InvalidOperation."""
        _refuse_transaction(self._session)
        return GridOut(self._root, file_document=self._cursor.next(), session=self._session)

    __next__ = next

    def __getitem__(self, index: int | slice) -> Any:
        found = self._cursor[index]
        return self if found is self._cursor else GridOut(self._root, file_document=found, session=self._session)

    def __iter__(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._cursor.close()

    def to_list(self, length: int | None = None) -> list[GridOut]:
        """The files that are left, at most `length` of them. errors: ValueError for less than one."""
        found = self._cursor.to_list(length)
        return [GridOut(self._root, file_document=each, session=self._session) for each in found]


class _OnEmbedded:
    """What makes a class of PyMongo's that of an embedded store, too."""

    _pymongos: Any  # the class itself, for databases of PyMongo's client
    _database: type
    _shown: tuple[Any, Any]  # a database and a collection, as PyMongo's
    _cursor: Any
    _collection: Any

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """errors: TypeError for what is no database"""
        if isinstance(_given_database(args, kwargs), cls._database):
            return super().__new__(cls)
        return cls._pymongos(*args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """errors: ConfigurationError for a write concern that asks for no acknowledgement"""
        database, collection = self._shown
        shown = database(_given_database(args, kwargs))
        others = {name: value for name, value in kwargs.items() if name not in _DATABASE_NAMES}
        super().__init__(shown, *args[1:], **others)  # type: ignore[call-arg]
        self._collection = collection(self._collection)

    def find(self, *args: Any, **kwargs: Any) -> Any:
        """The files that a filter on their documents finds: a cursor, asked for as `find` of a collection does it."""
        return self._cursor(self._collection, *args, **kwargs)


_DATABASE_NAMES: Final = ("db", "database")  # the first argument of the buckets, and of the older classes


def _given_database(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return args[0] if args else next((kwargs[name] for name in _DATABASE_NAMES if name in kwargs), None)


class _Async(_OnEmbedded):
    _database, _shown, _cursor = AsyncDatabase, (_AsyncDatabase, _AsyncCollection), AsyncGridOutCursor


class _Blocking(_OnEmbedded):
    _database, _shown, _cursor = Database, (_Database, _Collection), GridOutCursor


class AsyncGridFSBucket(_Async, gridfs.AsyncGridFSBucket):
    """PyMongo's AsyncGridFSBucket on a database of an embedded store, or on one of PyMongo's client."""

    _pymongos = gridfs.AsyncGridFSBucket


class AsyncGridFS(_Async, gridfs.AsyncGridFS):
    """PyMongo's AsyncGridFS on a database of an embedded store, or on one of PyMongo's client."""

    _pymongos = gridfs.AsyncGridFS


class GridFSBucket(_Blocking, gridfs.GridFSBucket):
    """PyMongo's GridFSBucket on a database of an embedded store, or on one of PyMongo's client."""

    _pymongos = gridfs.GridFSBucket


class GridFS(_Blocking, gridfs.GridFS):
    """PyMongo's GridFS on a database of an embedded store, or on one of PyMongo's client."""

    _pymongos = gridfs.GridFS


def _refuse_transaction(session: Any | None) -> None:
    """errors: InvalidOperation"""
    if session is not None and session.in_transaction:
        raise InvalidOperation("GridFS does not support multi-document transactions")
