"""`amongo stats`: what a store holds, and how large it is.

The store of a directory that nobody has open is read as it lies, without changing it; otherwise the owner is asked, and
so is the server of a URI.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import typer
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amongo.cli.address import opened, uri_of
from amongo.cli.exits import impossible
from amongo.client.address import embedded_address
from amongo.commands.namespaces import OPLOG
from amongo.engine.at_rest import StoreSizes, look
from amongo.errors import ErrorCode, ServerError


def stats_command(
    store: str = typer.Argument(help="Directory of a store, or any URI."),
    is_json: bool = typer.Option(False, "--json", help="As one JSON document."),
) -> None:
    """Sizes and counts of a store: documents, indexes, columns, log and snapshot files."""
    try:
        told = _at_rest(store) or _asked(store)
    except (ServerError, PyMongoError, OSError) as error:
        raise impossible(error) from None
    if is_json:
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        _print(Console(), told)


def _at_rest(store: str) -> dict[str, Any] | None:
    """The sizes of a store that nobody has open; None for one that has an owner, and for a URI of something else.

    errors   ServerError, OSError
    """
    address = embedded_address(uri_of(store))
    if address is None or address.path is None:
        return None
    try:
        return _told(look(address.path))
    except ServerError as error:
        if error.code == ErrorCode.DBPathInUse:
            return None
        raise


def _told(sizes: StoreSizes) -> dict[str, Any]:
    return {
        "store": sizes.path,
        "diskBytes": sizes.disk_bytes,
        "log": {"files": sizes.log_files, "bytes": sizes.log_bytes, "tornBytes": sizes.torn_bytes},
        "lastCommit": _moment(sizes.last_sequence),
        "checkpoint": _moment(sizes.manifest_sequence),
        "snapshotBytes": sizes.snapshot_bytes,
        "collections": [
            {
                "namespace": each.namespace,
                "documents": each.documents,
                "dataBytes": each.data_bytes,
                "fileBytes": each.row_bytes,
                "indexes": [{"name": index.name, "bytes": index.file_bytes} for index in each.indexes],
                "columns": {"files": each.column_files, "bytes": each.column_bytes},
            }
            for each in sizes.collections
        ],
    }


def _moment(sequence: int | None) -> str | None:
    """The second of a cluster time, as ISO-8601."""
    return datetime.fromtimestamp(sequence >> 32, UTC).isoformat() if sequence else None


def _asked(store: str) -> dict[str, Any]:
    """What whoever has the store open tells. errors: PyMongoError."""
    with opened(store) as client:
        status = client.admin.command("serverStatus")
        collections: list[dict[str, Any]] = []
        for name in client.list_database_names():
            for each in client[name].list_collections():
                namespace = f"{name}.{each['name']}"
                if each["type"] == "view" or each["name"].startswith("system.") or namespace == OPLOG:
                    continue
                sizes = client[name].command("collStats", each["name"])
                collections.append(
                    {
                        "namespace": namespace,
                        "documents": int(sizes.get("count", 0)),
                        "dataBytes": int(sizes.get("size", 0)),
                        "fileBytes": int(sizes.get("storageSize", 0)),
                        "indexes": [
                            {"name": index, "bytes": int(size)} for index, size in sizes.get("indexSizes", {}).items()
                        ],
                    }
                )
    told = {
        "store": store.rpartition("@")[2] if "@" in store else store,  # without a password
        "version": status["version"],
        "uptimeSeconds": int(status["uptime"]),
        "connections": int(status.get("connections", {}).get("current", 0)),
        "collections": sorted(collections, key=lambda each: each["namespace"]),
    }
    columns = status.get("storageEngine", {}).get("columns")
    return told | ({"columnBytesInMemory": int(columns["bytesInMemory"])} if columns else {})


def _print(console: Console, told: dict[str, Any]) -> None:
    facts = Table.grid(padding=(0, 2))
    for name, value in told.items():
        if name == "collections" or value is None:
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{inner} {number:,}" for inner, number in value.items())
        facts.add_row(_words(name), escape(f"{value:,}" if isinstance(value, int) else str(value)))
    console.print(facts, highlight=False)
    table = Table("collection", "documents", "data bytes", "file bytes", "indexes", "columns")
    for each in told["collections"]:
        indexes = "\n".join(f"{index['name']} {index['bytes']:,}" for index in each["indexes"])
        columns = each.get("columns")
        shown = f"{columns['files']} files, {columns['bytes']:,}" if columns and columns["files"] else ""
        numbers = [f"{each[name]:,}" for name in ("documents", "dataBytes", "fileBytes")]
        table.add_row(escape(each["namespace"]), *numbers, escape(indexes), shown)
    console.print(table, highlight=False)


def _words(name: str) -> str:
    """`dataBytes` as `data bytes`."""
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name)
