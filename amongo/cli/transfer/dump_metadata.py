"""What mongodump writes beside the documents of a collection: `<collection>.metadata.json`.

    {"options": …, "indexes": […], "uuid": "hexadecimal", "collectionName": "…", "type": "collection"}

in canonical Extended JSON; the name of the file is the collection's, escaped as in a URL, and cut where it would be too
long. Source: manual, mongodump and mongorestore.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

from bson.errors import InvalidDocument
from bson.raw_bson import RawBSONDocument

from amongo.cli.exact_commands import exact
from amongo.cli.transfer.extended_json import DECODER, NoExtendedJson, text_of
from amongo.cli.transfer.malformed import MalformedInput
from amongo.values.codec import CODEC, decode, encode_in_order

COLLECTION, VIEW, TIME_SERIES = "collection", "view", "timeseries"
BUCKETS: Final = "system.buckets."
_UNESCAPED: Final = "$&+=:@"  # beside letters, digits and -_.~ : what Go leaves in a path
_LONGEST: Final = 238  # so that no file's name is longer than 255 bytes
_KEPT: Final = 208
_NOT_DUMPED: Final = ("system.profile", "system.views", "system.indexes", BUCKETS)
_NOT_DUMPED_DATABASES: Final = ("local", "config")


@dataclass(frozen=True, slots=True)
class Metadata:
    """A collection beside its documents.

    database, collection   its name
    kind                   COLLECTION, VIEW or TIME_SERIES
    options                as `create` takes them
    indexes                as listIndexes gives them
    uuid                   hexadecimal digits; "" where there is none
    """

    database: str
    collection: str
    kind: str
    options: dict[str, Any]
    indexes: tuple[dict[str, Any], ...]
    uuid: str

    def text(self) -> bytes:
        """The metadata as mongodump writes it. errors: Unwritable."""
        document: dict[str, Any] = {"options": self.options} if self.options else {}
        document["indexes"] = list(self.indexes)
        if self.uuid:
            document["uuid"] = self.uuid
        return text_of(document | {"collectionName": self.collection, "type": self.kind}, is_canonical=True)

    def restore(self, database: Any) -> None:
        """Make the collection, unless it is there.

        errors   OperationFailure of `create`
        """
        if self.collection in database.list_collection_names(filter={"name": self.collection}):
            return
        options = {name: each for name, each in self.options.items() if name != "autoIndexId"}
        if self.kind == TIME_SERIES:
            options.pop("clusteredIndex", None)
        database.command(exact({"create": self.collection, **options}))

    def restore_indexes(self, database: Any) -> int:
        """Make the indexes that there are beside that of `_id`; how many.

        errors   OperationFailure of `createIndexes`
        """
        wanted = []
        for index in self.indexes:
            if index.get("clustered") or index.get("key") == {"_id": 1}:
                continue
            wanted.append({name: each for name, each in index.items() if name not in ("v", "ns")})
        if wanted:
            command = {"createIndexes": self.collection, "indexes": wanted, "ignoreUnknownIndexOptions": True}
            database.command(exact(command))
        return len(wanted)


def metadata_of(text: bytes, database: str, collection: str, name: str) -> Metadata:
    """Read what mongodump has written.

    collection   its name as the file's tells it; the metadata's own goes before
    name         of the file, for messages
    errors       MalformedInput
    """
    if not text.strip():
        return Metadata(database, collection, COLLECTION, {}, (), "")
    try:
        document, end = DECODER.raw_decode(text.decode().strip())
        if type(document) is not dict or end != len(text.decode().strip()):
            raise ValueError("one document is expected")
        options = {} if document.get("options") is None else document["options"]
        indexes = [] if document.get("indexes") is None else document["indexes"]
        if type(options) is not dict or type(indexes) is not list or any(type(each) is not dict for each in indexes):
            raise ValueError("`options` is a document and `indexes` an array of documents")
        told = document.get("collectionName") or collection
        kind = document.get("type") or (VIEW if "viewOn" in options else COLLECTION)
        if "timeseries" in options and not told.startswith(BUCKETS):
            kind = TIME_SERIES
        encode_in_order(options)
    except (ValueError, NoExtendedJson, RecursionError, InvalidDocument, OverflowError) as error:
        raise MalformedInput(f"{name}: malformed metadata: {error}") from None
    return Metadata(database, told, kind, options, tuple(indexes), document.get("uuid") or "")


def collections_of(client: Any, database: str | None, collection: str | None) -> Iterator[Metadata]:
    """The collections to dump: one, those of a database, or all, without the server's own.

    errors   OperationFailure
    """
    names = (
        [database] if database else [each for each in client.list_database_names() if each not in _NOT_DUMPED_DATABASES]
    )
    for name in names:
        with client.start_session() as session:
            listed = client[name].list_collections(session=session, filter={"name": collection} if collection else {})
            found = [_canonical(each) for each in listed]
        for each in sorted(found, key=lambda each: str(each["name"])):
            if not each["name"].startswith(_NOT_DUMPED):
                yield _metadata(client[name], each)


def _metadata(database: Any, told: dict[str, Any]) -> Metadata:
    indexes: list[dict[str, Any]] = []
    if told["type"] != VIEW:
        reply = database.command(
            "listIndexes", told["name"], codec_options=CODEC.with_options(document_class=RawBSONDocument)
        )
        indexes = [decode(each.raw) for each in reply["cursor"]["firstBatch"]]
    identity = told.get("info", {}).get("uuid", b"")
    return Metadata(database.name, told["name"], told["type"], told["options"], tuple(indexes), bytes(identity).hex())


def _canonical(document: Any) -> dict[str, Any]:
    from bson import encode

    return decode(encode(document, codec_options=CODEC))


def file_stem(collection: str) -> str:
    """The name of a collection's files, without what comes behind the last points."""
    escaped = quote(collection, safe=_UNESCAPED)
    if len(escaped) <= _LONGEST:
        return escaped
    digest = base64.urlsafe_b64encode(hashlib.sha1(collection.encode(), usedforsecurity=False).digest())
    return escaped[:_KEPT] + "%24" + digest.decode().rstrip("=")


def collection_of(stem: str) -> str:
    """The collection whose files have this name; where it was cut, only the metadata knows."""
    return unquote(stem)
