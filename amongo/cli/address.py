"""What a command works on: a store's directory or any URI of a client, opened by the blocking client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from pymongo.errors import ConfigurationError

from amongo.client.address import LOCAL_SCHEME, MEMORY_SCHEME, embedded_address
from amongo.client.sync import MongoClient
from amongo.engine.log.format import LOG_DIRECTORY
from amongo.engine.snapshots import MANIFEST_NAME

IN_MEMORY: Final = ":memory:"
EMBEDDED_SCHEMES: Final = (LOCAL_SCHEME, MEMORY_SCHEME)
SELECTION_MS: Final = 5000  # how long a server may not answer, unless the URI says otherwise


def uri_of(place: str) -> str:
    """The URI that `place` names: itself, or that of a directory."""
    if place == IN_MEMORY:
        return MEMORY_SCHEME
    return place if "://" in place else "local://" + quote(place)


def path_of(place: str) -> str:
    """The directory that `place` names: itself, or that of a `local://` URI.

    errors   InvalidURI; ConfigurationError for a URI of something else
    """
    if "://" not in place:
        return place
    address = embedded_address(place)
    if address is None or address.path is None:
        raise ConfigurationError(f"A store at rest lies in a directory, and not in '{place}'.")
    return address.path


def default_database(place: str) -> str | None:
    """The database that a URI names; None where it names none.

    errors   InvalidURI, ConfigurationError
    """
    uri = uri_of(place)
    address = embedded_address(uri)
    if address is not None:
        return address.database
    from pymongo.uri_parser import parse_uri

    database: str | None = parse_uri(uri)["database"] if not uri.startswith("mongodb+srv://") else None
    return database


@contextmanager
def opened(place: str, *, makes_store: bool = False) -> Iterator[Any]:
    """A blocking client of what `place` names, closed at the end.

    makes_store   make the store where there is none yet
    errors        ConfigurationError where there is no store; what opening it raises; ServerSelectionTimeoutError
    """
    uri = uri_of(place)
    address = embedded_address(uri)
    if address is None:
        options: dict[str, Any] = (
            {} if "serverselectiontimeoutms" in uri.lower() else {"serverSelectionTimeoutMS": SELECTION_MS}
        )
        client: Any = MongoClient(uri, **options)
    else:
        if address.path is not None and not makes_store and not _is_store(address.path):
            raise ConfigurationError(f"There is no store in '{address.path}'.")
        client = MongoClient(uri)
    with client:
        client.admin.command("ping")
        yield client


def _is_store(path: str) -> bool:
    return any(os.path.exists(os.path.join(path, name)) for name in (LOG_DIRECTORY, MANIFEST_NAME))
