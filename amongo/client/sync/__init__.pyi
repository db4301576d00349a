"""Written by `python -m amongo.client.sync.stubs`; the test of the client keeps it current."""

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, NoReturn, Self, TypeVar, overload

from bson.code import Code
from bson.codec_options import CodecOptions, TypeRegistry
from bson.dbref import DBRef
from bson.raw_bson import RawBSONDocument
from bson.timestamp import Timestamp
from pymongo.client_options import ClientOptions
from pymongo.driver_info import DriverInfo
from pymongo.operations import (
    DeleteMany,
    DeleteOne,
    IndexModel,
    InsertOne,
    ReplaceOne,
    SearchIndexModel,
    UpdateMany,
    UpdateOne,
    _IndexKeyHint,
    _IndexList,
)
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import _ServerMode
from pymongo.results import (
    BulkWriteResult,
    ClientBulkWriteResult,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from pymongo.topology_description import TopologyDescription
from pymongo.typings import ClusterTime, _Address, _CollationIn, _DocumentType, _DocumentTypeArg, _Pipeline
from pymongo.write_concern import WriteConcern

from amongo.client.live import Diff
from amongo.client.session import ServerSession, SessionOptions, TransactionOptions
from amongo.client.transaction import SessionTransactions

T = TypeVar("T")
_CodecDocumentType = TypeVar("_CodecDocumentType", bound=Mapping[str, Any])
_Sort = Sequence[str | tuple[str, int | str | Mapping[str, Any]]] | Mapping[str, Any]
_Hint = str | _Sort
_NamedWriteOp = InsertOne[Any] | DeleteOne | DeleteMany | ReplaceOne[Any] | UpdateOne | UpdateMany
_WriteOp = InsertOne[_DocumentType] | DeleteOne | DeleteMany | ReplaceOne[_DocumentType] | UpdateOne | UpdateMany

class BoundSession:
    def __init__(self, session: ClientSession, end_session: bool) -> None: ...
    def __enter__(self) -> ClientSession: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class ChangeStream(Generic[_DocumentType]):
    def __init__(
        self,
        target: Database[_DocumentType] | Collection[_DocumentType],
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: ClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None: ...
    @property
    def alive(self) -> bool: ...
    @property
    def resume_token(self) -> Mapping[str, Any] | None: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    __next__ = next

    def __iter__(self) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class ClientSession:
    def __init__(
        self, client: MongoClient[Any], server_session: ServerSession | None, options: SessionOptions, implicit: bool
    ) -> None: ...
    @property
    def client(self) -> MongoClient[Any]: ...
    @property
    def options(self) -> SessionOptions: ...
    @property
    def session_id(self) -> Mapping[str, Any]: ...
    @property
    def has_ended(self) -> bool: ...
    @property
    def cluster_time(self) -> ClusterTime | None: ...
    @property
    def operation_time(self) -> Timestamp | None: ...
    def advance_cluster_time(self, cluster_time: Mapping[str, Any]) -> None: ...
    def advance_operation_time(self, operation_time: Timestamp) -> None: ...
    def bind(self, end_session: bool = True) -> BoundSession: ...
    def end_session(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __copy__(self) -> NoReturn: ...
    @property
    def in_transaction(self) -> bool: ...
    def start_transaction(
        self,
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> AbstractContextManager[Any]: ...
    def commit_transaction(self) -> None: ...
    def abort_transaction(self) -> None: ...
    def with_transaction(
        self,
        callback: Callable[[ClientSession], T],
        read_concern: ReadConcern | None = None,
        write_concern: WriteConcern | None = None,
        read_preference: _ServerMode | None = None,
        max_commit_time_ms: int | None = None,
    ) -> T: ...

class ClusterChangeStream(Generic[_DocumentType]):
    def __init__(
        self,
        target: Database[_DocumentType] | Collection[_DocumentType],
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: ClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None: ...
    @property
    def alive(self) -> bool: ...
    @property
    def resume_token(self) -> Mapping[str, Any] | None: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    __next__ = next

    def __iter__(self) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class Collection(Generic[_DocumentType]):
    @overload
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> Collection[_DocumentType]: ...
    @overload
    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg],
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> Collection[_DocumentTypeArg]: ...
    def watch(
        self,
        pipeline: _Pipeline | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: ClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> CollectionChangeStream[_DocumentType]: ...
    def __getattr__(self, name: str) -> Collection[_DocumentType]: ...
    def __getitem__(self, name: str) -> Collection[_DocumentType]: ...
    def __bool__(self) -> NoReturn: ...
    __iter__: None

    def __next__(self) -> NoReturn: ...
    next = __next__

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn: ...
    def find_one(self, filter: Any | None = None, *args: Any, **kwargs: Any) -> _DocumentType | None: ...
    def find(self, *args: Any, **kwargs: Any) -> Cursor[_DocumentType]: ...
    def find_raw_batches(self, *args: Any, **kwargs: Any) -> RawBatchCursor[_DocumentType]: ...
    def aggregate(
        self,
        pipeline: _Pipeline,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> CommandCursor[_DocumentType]: ...
    def aggregate_raw_batches(
        self, pipeline: _Pipeline, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> RawBatchCursor[_DocumentType]: ...
    def count_documents(
        self, filter: Mapping[str, Any], session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> int: ...
    def estimated_document_count(self, comment: Any | None = None, **kwargs: Any) -> int: ...
    def distinct(
        self,
        key: str,
        filter: Mapping[str, Any] | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        hint: _IndexKeyHint | None = None,
        **kwargs: Any,
    ) -> list[Any]: ...
    def insert_one(
        self,
        document: _DocumentType | RawBSONDocument,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertOneResult: ...
    def insert_many(
        self,
        documents: Iterable[_DocumentType | RawBSONDocument],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> InsertManyResult: ...
    def replace_one(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult: ...
    def update_one(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        upsert: bool = False,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        sort: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult: ...
    def update_many(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        upsert: bool = False,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        bypass_document_validation: bool | None = None,
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> UpdateResult: ...
    def delete_one(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult: ...
    def delete_many(
        self,
        filter: Mapping[str, Any],
        collation: _CollationIn | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
    ) -> DeleteResult: ...
    def bulk_write(
        self,
        requests: Sequence[_WriteOp[_DocumentType]],
        ordered: bool = True,
        bypass_document_validation: bool | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> BulkWriteResult: ...
    def find_one_and_delete(
        self,
        filter: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None: ...
    def find_one_and_replace(
        self,
        filter: Mapping[str, Any],
        replacement: Mapping[str, Any],
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        upsert: bool = False,
        return_document: bool = ...,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None: ...
    def find_one_and_update(
        self,
        filter: Mapping[str, Any],
        update: Mapping[str, Any] | _Pipeline,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        sort: _IndexList | None = None,
        upsert: bool = False,
        return_document: bool = ...,
        array_filters: Sequence[Mapping[str, Any]] | None = None,
        hint: _IndexKeyHint | None = None,
        session: ClientSession | None = None,
        let: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _DocumentType | None: ...
    def create_index(
        self, keys: _IndexKeyHint, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> str: ...
    def create_indexes(
        self,
        indexes: Sequence[IndexModel],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]: ...
    def drop_index(
        self,
        index_or_name: _IndexKeyHint,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None: ...
    def drop_indexes(self, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any) -> None: ...
    def list_indexes(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> CommandCursor[MutableMapping[str, Any]]: ...
    def index_information(
        self, session: ClientSession | None = None, comment: Any | None = None
    ) -> MutableMapping[str, Any]: ...
    def list_search_indexes(
        self, name: str | None = None, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> CommandCursor[Mapping[str, Any]]: ...
    def create_search_index(
        self,
        model: Mapping[str, Any] | SearchIndexModel,
        session: ClientSession | None = None,
        comment: Any = None,
        **kwargs: Any,
    ) -> str: ...
    def create_search_indexes(
        self,
        models: list[SearchIndexModel],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]: ...
    def drop_search_index(
        self, name: str, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> None: ...
    def update_search_index(
        self,
        name: str,
        definition: Mapping[str, Any],
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> None: ...
    def options(self, session: ClientSession | None = None, comment: Any | None = None) -> MutableMapping[str, Any]: ...
    def rename(
        self, new_name: str, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> MutableMapping[str, Any]: ...
    def drop(
        self,
        session: ClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> None: ...
    def to_arrow(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        *,
        sort: Any | None = None,
        skip: int = 0,
        limit: int = 0,
        max_time_ms: int | None = None,
    ) -> Any: ...
    def aggregate_arrow(
        self,
        pipeline: _Pipeline,
        *,
        let: Mapping[str, Any] | None = None,
        hint: Any | None = None,
        allow_disk_use: bool | None = None,
        max_time_ms: int | None = None,
    ) -> Any: ...
    def to_pandas(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Any: ...
    def to_polars(
        self,
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        **kwargs: Any,
    ) -> Any: ...
    def live(
        self,
        filter: Mapping[str, Any] | None = None,
        *,
        sort: _IndexKeyHint | None = None,
        limit: int = 0,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        collation: _CollationIn | None = None,
        session: ClientSession | None = None,
    ) -> LiveQuery[_DocumentType]: ...
    def history(self, _id: Any) -> HistoryCursor[_DocumentType]: ...
    def __init__(
        self,
        database: Database[_DocumentType],
        name: str,
        create: bool | None = False,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: ClientSession | None = None,
        **kwargs: Any,
    ) -> None: ...
    @property
    def full_name(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def database(self) -> Database[_DocumentType]: ...
    @property
    def codec_options(self) -> CodecOptions[Any]: ...
    @property
    def write_concern(self) -> WriteConcern: ...
    @property
    def read_preference(self) -> _ServerMode: ...
    @property
    def read_concern(self) -> ReadConcern: ...

class CollectionChangeStream(Generic[_DocumentType]):
    def __init__(
        self,
        target: Database[_DocumentType] | Collection[_DocumentType],
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: ClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None: ...
    @property
    def alive(self) -> bool: ...
    @property
    def resume_token(self) -> Mapping[str, Any] | None: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    __next__ = next

    def __iter__(self) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class CommandCursor(Generic[_DocumentType]):
    def __init__(
        self,
        collection: Collection[_DocumentType],
        cursor_info: Mapping[str, Any],
        address: _Address | None,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: ClientSession | None = None,
        comment: Any = None,
    ) -> None: ...
    def batch_size(self, batch_size: int) -> Self: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    def __iter__(self) -> Self: ...
    @property
    def alive(self) -> bool: ...
    @property
    def cursor_id(self) -> int | None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def session(self) -> ClientSession | None: ...
    def to_list(self, length: int | None = None) -> list[_DocumentType]: ...
    def __next__(self) -> _DocumentType: ...
    def close(self) -> None: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __enter__(self) -> Self: ...

class Cursor(Generic[_DocumentType]):
    @property
    def collection(self) -> Collection[_DocumentType]: ...
    @property
    def retrieved(self) -> int: ...
    def explain(self) -> _DocumentType: ...
    def distinct(self, key: str) -> list[Any]: ...
    def rewind(self) -> Self: ...
    @overload
    def __getitem__(self, index: int) -> _DocumentType: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __iter__(self) -> Self: ...
    def __init__(
        self,
        collection: Collection[_DocumentType],
        filter: Mapping[str, Any] | None = None,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        skip: int = 0,
        limit: int = 0,
        no_cursor_timeout: bool = False,
        cursor_type: int = ...,
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
        session: ClientSession | None = None,
        allow_disk_use: bool | None = None,
        let: Mapping[str, Any] | None = None,
    ) -> None: ...
    def add_option(self, mask: int) -> Self: ...
    def remove_option(self, mask: int) -> Self: ...
    def allow_disk_use(self, allow_disk_use: bool) -> Self: ...
    def limit(self, limit: int) -> Self: ...
    def batch_size(self, batch_size: int) -> Self: ...
    def skip(self, skip: int) -> Self: ...
    def max_time_ms(self, max_time_ms: int | None) -> Self: ...
    def max_await_time_ms(self, max_await_time_ms: int | None) -> Self: ...
    def max_scan(self, max_scan: int | None) -> Self: ...
    def max(self, spec: _Sort) -> Self: ...
    def min(self, spec: _Sort) -> Self: ...
    def sort(self, key_or_list: _Hint, direction: int | str | None = None) -> Self: ...
    def hint(self, index: _Hint | None) -> Self: ...
    def comment(self, comment: Any) -> Self: ...
    def where(self, code: str | Code) -> Self: ...
    def as_of(self, as_of: Timestamp | datetime | None) -> Self: ...
    def collation(self, collation: _CollationIn | None) -> Self: ...
    def clone(self) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...
    @property
    def alive(self) -> bool: ...
    @property
    def cursor_id(self) -> int | None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def session(self) -> ClientSession | None: ...
    def next(self) -> _DocumentType: ...
    def to_list(self, length: int | None = None) -> list[_DocumentType]: ...
    def __next__(self) -> _DocumentType: ...
    def close(self) -> None: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __enter__(self) -> Self: ...

class Database(Generic[_DocumentType]):
    def __init__(
        self,
        client: MongoClient[_DocumentType],
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> None: ...
    def get_collection(
        self,
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Collection[_DocumentType]: ...
    def __getattr__(self, name: str) -> Collection[_DocumentType]: ...
    def __getitem__(self, name: str) -> Collection[_DocumentType]: ...
    def sql(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None, *, max_time_ms: int | None = None
    ) -> Any: ...
    def create_collection(
        self,
        name: str,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
        session: ClientSession | None = None,
        check_exists: bool | None = True,
        **kwargs: Any,
    ) -> Collection[_DocumentType]: ...
    def drop_collection(
        self,
        name_or_collection: str | Collection[_DocumentTypeArg],
        session: ClientSession | None = None,
        comment: Any | None = None,
        encrypted_fields: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    def list_collections(
        self,
        session: ClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> CommandCursor[MutableMapping[str, Any]]: ...
    def list_collection_names(
        self,
        session: ClientSession | None = None,
        filter: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> list[str]: ...
    def validate_collection(
        self,
        name_or_collection: str | Collection[_DocumentTypeArg],
        scandata: bool = False,
        full: bool = False,
        session: ClientSession | None = None,
        background: bool | None = None,
        comment: Any | None = None,
    ) -> dict[str, Any]: ...
    def dereference(
        self, dbref: DBRef, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> _DocumentType | None: ...
    def aggregate(
        self, pipeline: _Pipeline, session: ClientSession | None = None, **kwargs: Any
    ) -> CommandCursor[_DocumentType]: ...
    def watch(
        self,
        pipeline: _Pipeline | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: ClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> DatabaseChangeStream[_DocumentType]: ...
    @overload
    def with_options(
        self,
        codec_options: None = None,
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> Database[_DocumentType]: ...
    @overload
    def with_options(
        self,
        codec_options: CodecOptions[_DocumentTypeArg],
        read_preference: _ServerMode | None = ...,
        write_concern: WriteConcern | None = ...,
        read_concern: ReadConcern | None = ...,
    ) -> Database[_DocumentTypeArg]: ...
    def __bool__(self) -> NoReturn: ...
    __iter__: None

    def __next__(self) -> NoReturn: ...
    next = __next__

    @property
    def client(self) -> MongoClient[_DocumentType]: ...
    @property
    def name(self) -> str: ...
    @overload
    def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]: ...
    @overload
    def command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        check: bool = True,
        allowable_errors: Sequence[str | int] | None = None,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[_CodecDocumentType] = ...,
        session: ClientSession | None = None,
        comment: Any | None = None,
        **kwargs: Any,
    ) -> _CodecDocumentType: ...
    def cursor_command(
        self,
        command: str | MutableMapping[str, Any],
        value: Any = 1,
        read_preference: _ServerMode | None = None,
        codec_options: CodecOptions[_CodecDocumentType] | None = None,
        session: ClientSession | None = None,
        comment: Any | None = None,
        max_await_time_ms: int | None = None,
        **kwargs: Any,
    ) -> CommandCursor[_DocumentType]: ...
    @property
    def codec_options(self) -> CodecOptions[Any]: ...
    @property
    def write_concern(self) -> WriteConcern: ...
    @property
    def read_preference(self) -> _ServerMode: ...
    @property
    def read_concern(self) -> ReadConcern: ...

class DatabaseChangeStream(Generic[_DocumentType]):
    def __init__(
        self,
        target: Database[_DocumentType] | Collection[_DocumentType],
        pipeline: _Pipeline | None,
        full_document: str | None,
        resume_after: Mapping[str, Any] | None,
        max_await_time_ms: int | None,
        batch_size: int | None,
        collation: _CollationIn | None,
        start_at_operation_time: Timestamp | None,
        session: ClientSession | None,
        start_after: Mapping[str, Any] | None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> None: ...
    @property
    def alive(self) -> bool: ...
    @property
    def resume_token(self) -> Mapping[str, Any] | None: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    __next__ = next

    def __iter__(self) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class HistoryCursor(Generic[_DocumentType]):
    def __init__(self, collection: Collection[_DocumentType], _id: Any) -> None: ...
    def __iter__(self) -> Self: ...
    @property
    def alive(self) -> bool: ...
    @property
    def cursor_id(self) -> int | None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def session(self) -> ClientSession | None: ...
    def next(self) -> _DocumentType: ...
    def to_list(self, length: int | None = None) -> list[_DocumentType]: ...
    def __next__(self) -> _DocumentType: ...
    def close(self) -> None: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __enter__(self) -> Self: ...

class LiveQuery(Generic[_DocumentType]):
    def __init__(
        self,
        collection: Collection[_DocumentType],
        filter: Mapping[str, Any] | None = None,
        *,
        sort: Any = None,
        limit: int = 0,
        projection: Mapping[str, Any] | Iterable[str] | None = None,
        collation: _CollationIn | None = None,
        session: ClientSession | None = None,
    ) -> None: ...
    @property
    def collection(self) -> Collection[_DocumentType]: ...
    @property
    def documents(self) -> list[_DocumentType]: ...
    @property
    def alive(self) -> bool: ...
    def next(self) -> Diff[_DocumentType]: ...
    def try_next(self) -> Diff[_DocumentType] | None: ...
    def close(self) -> None: ...
    __next__ = next

    def __iter__(self) -> Self: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

class MongoClient(Generic[_DocumentType]):
    HOST: str
    PORT: int

    def __init__(
        self,
        host: str | Sequence[str] | None = None,
        port: int | None = None,
        document_class: type[_DocumentType] | None = None,
        tz_aware: bool | None = None,
        connect: bool | None = None,
        type_registry: TypeRegistry | None = None,
        **kwargs: Any,
    ) -> None: ...
    def close(self) -> None: ...
    def fork(self) -> Self: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def get_database(
        self,
        name: str | None = None,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[_DocumentType]: ...
    def get_default_database(
        self,
        default: str | None = None,
        codec_options: CodecOptions[_DocumentTypeArg] | None = None,
        read_preference: _ServerMode | None = None,
        write_concern: WriteConcern | None = None,
        read_concern: ReadConcern | None = None,
    ) -> Database[_DocumentType]: ...
    def __getattr__(self, name: str) -> Database[_DocumentType]: ...
    def __getitem__(self, name: str) -> Database[_DocumentType]: ...
    def list_databases(
        self, session: ClientSession | None = None, comment: Any | None = None, **kwargs: Any
    ) -> CommandCursor[dict[str, Any]]: ...
    def list_database_names(self, session: ClientSession | None = None, comment: Any | None = None) -> list[str]: ...
    def drop_database(
        self,
        name_or_database: str | Database[_DocumentTypeArg],
        session: ClientSession | None = None,
        comment: Any | None = None,
    ) -> None: ...
    def server_info(self, session: ClientSession | None = None) -> dict[str, Any]: ...
    def start_session(
        self,
        causal_consistency: bool | None = None,
        default_transaction_options: TransactionOptions | None = None,
        snapshot: bool | None = False,
    ) -> ClientSession: ...
    def bulk_write(
        self,
        models: Sequence[_NamedWriteOp],
        session: ClientSession | None = None,
        ordered: bool = True,
        verbose_results: bool = False,
        bypass_document_validation: bool | None = None,
        comment: Any | None = None,
        let: Mapping[str, Any] | None = None,
        write_concern: WriteConcern | None = None,
    ) -> ClientBulkWriteResult: ...
    def watch(
        self,
        pipeline: _Pipeline | None = None,
        full_document: str | None = None,
        resume_after: Mapping[str, Any] | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
        collation: _CollationIn | None = None,
        start_at_operation_time: Timestamp | None = None,
        session: ClientSession | None = None,
        start_after: Mapping[str, Any] | None = None,
        comment: Any | None = None,
        full_document_before_change: str | None = None,
        show_expanded_events: bool | None = None,
    ) -> ChangeStream[_DocumentType]: ...
    @property
    def options(self) -> ClientOptions: ...
    def append_metadata(self, driver_info: DriverInfo) -> None: ...
    @property
    def topology_description(self) -> TopologyDescription: ...
    @property
    def nodes(self) -> frozenset[_Address]: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def primary(self) -> _Address | None: ...
    @property
    def secondaries(self) -> set[_Address]: ...
    @property
    def arbiters(self) -> set[_Address]: ...
    @property
    def is_primary(self) -> bool: ...
    @property
    def is_mongos(self) -> bool: ...
    def eq_props(self) -> tuple[tuple[_Address, ...], str | None, str | None, str]: ...
    __iter__: None

    def __next__(self) -> NoReturn: ...
    next = __next__

    @property
    def codec_options(self) -> CodecOptions[Any]: ...
    @property
    def write_concern(self) -> WriteConcern: ...
    @property
    def read_preference(self) -> _ServerMode: ...
    @property
    def read_concern(self) -> ReadConcern: ...

class RawBatchCommandCursor(Generic[_DocumentType]):
    def __getitem__(self, index: int) -> NoReturn: ...
    def __init__(
        self,
        collection: Collection[_DocumentType],
        cursor_info: Mapping[str, Any],
        address: _Address | None,
        batch_size: int = 0,
        max_await_time_ms: int | None = None,
        session: ClientSession | None = None,
        comment: Any = None,
    ) -> None: ...
    def batch_size(self, batch_size: int) -> Self: ...
    def next(self) -> _DocumentType: ...
    def try_next(self) -> _DocumentType | None: ...
    def __iter__(self) -> Self: ...
    @property
    def alive(self) -> bool: ...
    @property
    def cursor_id(self) -> int | None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def session(self) -> ClientSession | None: ...
    def to_list(self, length: int | None = None) -> list[_DocumentType]: ...
    def __next__(self) -> _DocumentType: ...
    def close(self) -> None: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __enter__(self) -> Self: ...

class RawBatchCursor(Generic[_DocumentType]):
    def __init__(self, collection: Collection[_DocumentType], *args: Any, **kwargs: Any) -> None: ...
    def explain(self) -> _DocumentType: ...
    def __getitem__(self, index: Any) -> NoReturn: ...
    @property
    def collection(self) -> Collection[_DocumentType]: ...
    @property
    def retrieved(self) -> int: ...
    def distinct(self, key: str) -> list[Any]: ...
    def rewind(self) -> Self: ...
    def __iter__(self) -> Self: ...
    def add_option(self, mask: int) -> Self: ...
    def remove_option(self, mask: int) -> Self: ...
    def allow_disk_use(self, allow_disk_use: bool) -> Self: ...
    def limit(self, limit: int) -> Self: ...
    def batch_size(self, batch_size: int) -> Self: ...
    def skip(self, skip: int) -> Self: ...
    def max_time_ms(self, max_time_ms: int | None) -> Self: ...
    def max_await_time_ms(self, max_await_time_ms: int | None) -> Self: ...
    def max_scan(self, max_scan: int | None) -> Self: ...
    def max(self, spec: _Sort) -> Self: ...
    def min(self, spec: _Sort) -> Self: ...
    def sort(self, key_or_list: _Hint, direction: int | str | None = None) -> Self: ...
    def hint(self, index: _Hint | None) -> Self: ...
    def comment(self, comment: Any) -> Self: ...
    def where(self, code: str | Code) -> Self: ...
    def as_of(self, as_of: Timestamp | datetime | None) -> Self: ...
    def collation(self, collation: _CollationIn | None) -> Self: ...
    def clone(self) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...
    @property
    def alive(self) -> bool: ...
    @property
    def cursor_id(self) -> int | None: ...
    @property
    def address(self) -> _Address | None: ...
    @property
    def session(self) -> ClientSession | None: ...
    def next(self) -> _DocumentType: ...
    def to_list(self, length: int | None = None) -> list[_DocumentType]: ...
    def __next__(self) -> _DocumentType: ...
    def close(self) -> None: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
    def __enter__(self) -> Self: ...

class TransactionContext:
    def __init__(self, session: SessionTransactions) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...

__all__ = [
    "ChangeStream",
    "ClientSession",
    "ClusterChangeStream",
    "Collection",
    "CollectionChangeStream",
    "CommandCursor",
    "Cursor",
    "Database",
    "DatabaseChangeStream",
    "HistoryCursor",
    "LiveQuery",
    "MongoClient",
    "RawBatchCommandCursor",
    "RawBatchCursor",
]
