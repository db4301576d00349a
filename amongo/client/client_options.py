"""The options of a client, as PyMongo reads them.

Names, types, defaults, deprecations and error messages are PyMongo's because PyMongo parses them: an unconnected
client of its own is made with the same options, asked for its `options`, and dropped.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pymongo
from pymongo.client_options import ClientOptions
from pymongo.driver_info import DriverInfo
from pymongo.errors import ConfigurationError
from pymongo.monitoring import _LISTENERS
from pymongo.uri_parser import split_options

# Options that ask for something a store in this process cannot do, and must not seem to do.
_NOT_EMBEDDED = {
    "auto_encryption_opts": "automatic encryption needs a MongoDB server",
    "tls": "a store in this process has no connection to encrypt",
    "ssl": "a store in this process has no connection to encrypt",
}


def parse_options(query: str, keywords: Mapping[str, Any]) -> ClientOptions:
    """The options of an embedded client.

    query      the query string of its address
    keywords   the keyword arguments of its constructor (None counts as not given)
    errors     PyMongo's: InvalidURI, ConfigurationError, TypeError, ValueError
    """
    given = {name: value for name, value in keywords.items() if value is not None}
    stated = dict(split_options(query, validate=False)) if query else {}
    for name, value in (*stated.items(), *given.items()):
        if value not in (False, "false") and name.lower() in _NOT_EMBEDDED:
            raise ConfigurationError(f"{name} is not for embedded addresses: {_NOT_EMBEDDED[name.lower()]}")
    if not query and not given and not _LISTENERS.command_listeners:
        return _default_options()
    given["connect"] = False
    return pymongo.MongoClient[dict[str, Any]](f"mongodb://localhost/?{query}", **given).options


def with_metadata(options: ClientOptions, driver_info: DriverInfo) -> ClientOptions:
    """Options whose metadata name this library too; those that clients share are not changed."""
    if options is _default_options():
        options = _unconnected_options()
    options.pool_options._update_metadata(driver_info)
    return options


@functools.cache
def _default_options() -> ClientOptions:
    """Those of a client that was given none: making them is most of what a client costs, so clients share them."""
    return _unconnected_options()


def _unconnected_options() -> ClientOptions:
    return pymongo.MongoClient[dict[str, Any]]("mongodb://localhost/", connect=False).options
