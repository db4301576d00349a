"""`amongo compact`: write a checkpoint, and make one of the files of each collection."""

from __future__ import annotations

from typing import Any

import typer
from pymongo.errors import OperationFailure, PyMongoError
from rich.console import Console

from amongo.cli.address import opened, uri_of
from amongo.cli.exit_codes import DAMAGED
from amongo.cli.exits import impossible
from amongo.cli.refusals import refusal_of
from amongo.client.address import embedded_address
from amongo.engine.at_rest import bytes_below
from amongo.errors import ErrorCode, ServerError


def compact_command(
    store: str = typer.Argument(help="Directory of a store, or any URI."),
    database: str | None = typer.Option(None, "--db", "-d", help="This database alone."),
    collection: str | None = typer.Option(None, "--collection", "-c", help="This collection alone."),
) -> None:
    """Give back the space that collections and indexes do not use."""
    if collection and not database:
        raise impossible("--collection takes --db as well.")
    console = Console()
    try:
        address = embedded_address(uri_of(store))
        path = None if address is None else address.path
        before = 0 if path is None else bytes_below(path)
        with opened(store) as client:
            client.admin.command("fsync")
            freed, refused = _compact(client, database, collection)
    except (ServerError, PyMongoError, OSError) as error:
        raise impossible(error) from None
    for namespace, reason in refused.items():
        console.print(f"{namespace}: {reason}", style="red", markup=False, highlight=False, soft_wrap=True)
    told = f"{freed:,} bytes of snapshot files freed"
    if path is not None:
        told += f"; the directory had {before:,} bytes and has {bytes_below(path):,}"
    console.print(told, markup=False, highlight=False, soft_wrap=True)
    if refused:
        raise typer.Exit(DAMAGED)


def _compact(client: Any, database: str | None, collection: str | None) -> tuple[int, dict[str, str]]:
    """(bytes freed, what was refused and why). errors: PyMongoError."""
    freed, refused = 0, {}
    names = (
        [database] if database else [each for each in client.list_database_names() if each not in ("local", "config")]
    )
    for name in names:
        listed = [each["name"] for each in client[name].list_collections() if each["type"] != "view"]
        for each in [collection] if collection else listed:
            if each.startswith("system.") and not collection:
                continue
            try:
                freed += int(client[name].command("compact", each, force=True).get("bytesFreed", 0))
            except OperationFailure as error:
                if error.code != ErrorCode.NamespaceNotFound or collection:  # dropped meanwhile
                    refused[f"{name}.{each}"] = refusal_of(error)
    return freed, refused
