"""Where a client's data is: the `memory://` and `local://` addresses.

    memory://                   a store of its own, gone with the client
    memory://name               one store for every client of this process that uses the name
    memory://name/db            the same, with a default database
    local://relative/path       a directory, relative to the working directory
    local:///absolute/path      a directory
    local://path?shared=false   a directory that other processes cannot use meanwhile; see `client.sharing`

A query string (`?w=1&journal=true&tz_aware=true`) may follow; PyMongo's parser reads it (`client_options`). Every other
address is PyMongo's own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pymongo.errors import ConfigurationError, InvalidURI

MEMORY_SCHEME = "memory://"
LOCAL_SCHEME = "local://"
_PYMONGO_SCHEMES = ("mongodb://", "mongodb+srv://")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BAD_DATABASE_CHARACTERS = re.compile(r'[/ "$.\\\x00]')


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed embedded address.

    location   the URI without its query string
    path       the store's directory, absolute; None in memory
    name       the name under which a store in memory is shared; None for a store of one's own
    database   the default database
    query      the query string, without the question mark, and without `shared`
    is_shared  whether other processes may use a store on disk at the same time
    """

    location: str
    path: str | None = None
    name: str | None = None
    database: str | None = None
    query: str = ""
    is_shared: bool = True

    @property
    def sharing_key(self) -> tuple[str, str] | None:
        """Equal for clients that share one store; None for a store of one's own."""
        if self.path is not None:
            return ("local", self.path)
        return ("memory", self.name) if self.name is not None else None


def embedded_address(host: Any) -> Address | None:
    """The embedded address that `host` names, or None if `host` is for PyMongo's own client.

    host     the first argument of a client: a URI, a host name, a sequence of these, or None
    errors   InvalidURI for an unknown scheme or a malformed address, ConfigurationError for several addresses
    """
    if isinstance(host, str):
        return _parse(host)
    if isinstance(host, Sequence) and not isinstance(host, (bytes, bytearray)):
        addresses = [address for entry in host if isinstance(entry, str) and (address := _parse(entry))]
        if addresses and len(host) > 1:
            raise ConfigurationError("host must not contain multiple MongoDB URIs")
        return addresses[0] if addresses else None
    return None


def _parse(uri: str) -> Address | None:
    if uri.startswith(MEMORY_SCHEME):
        return _parse_memory(uri)
    if uri.startswith(LOCAL_SCHEME):
        return _parse_local(uri)
    if _SCHEME.match(uri) and not uri.startswith(_PYMONGO_SCHEMES):
        known = "', '".join((LOCAL_SCHEME, MEMORY_SCHEME, *_PYMONGO_SCHEMES))
        raise InvalidURI(f"Invalid URI scheme: URI must begin with one of '{known}'")
    return None


def _parse_memory(uri: str) -> Address:
    location, _, query = uri.partition("?")
    name, _, database = unquote(location[len(MEMORY_SCHEME) :]).partition("/")
    if database and _BAD_DATABASE_CHARACTERS.search(database):
        raise InvalidURI(f'Bad database name "{database}"')
    return Address(location, name=name or None, database=database or None, query=query)


def _parse_local(uri: str) -> Address:
    location, _, query = uri.partition("?")
    path = unquote(location[len(LOCAL_SCHEME) :])
    if not path:
        raise InvalidURI("Must provide a path: 'local://relative/path' or 'local:///absolute/path'")
    if "\x00" in path:
        raise InvalidURI("a path must not contain the null character")
    query, is_shared = _without_shared(query)
    return Address(location, path=os.path.realpath(path), query=query, is_shared=is_shared)


def _without_shared(query: str) -> tuple[str, bool]:
    """(the other options, whether the store is shared). errors: ConfigurationError."""
    others, is_shared = [], True
    for option in query.split("&"):
        name, _, value = option.partition("=")
        if name.lower() != "shared":
            others.append(option)
        elif value.lower() in ("true", "false"):
            is_shared = value.lower() == "true"
        else:
            raise ConfigurationError(f"shared must be 'true' or 'false', not '{value}'")
    return "&".join(others), is_shared
