"""The compressors of OP_COMPRESSED. One whose library is missing is not offered. Source: manual, Network Compression.

A message says how long it is when it is decompressed; nothing is made that is longer, whatever the bytes say.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Final


@dataclass(frozen=True, slots=True)
class Compressor:
    """One way to compress.

    number       in messages
    name         in `hello`
    compress     bytes -> bytes
    decompress   (bytes, size) -> bytes of exactly this size; ValueError for anything else
    """

    number: int
    name: str
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes, int], bytes]


def _same(content: bytes) -> bytes:
    return content


def _of_size(content: bytes, size: int) -> bytes:
    """errors: ValueError."""
    if len(content) != size:
        raise ValueError(f"{len(content)} bytes, not {size}")
    return content


def _from_zlib(content: bytes, size: int) -> bytes:
    try:
        found = zlib.decompressobj().decompress(content, size + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    return _of_size(found, size)


def _snappy() -> Compressor | None:
    if find_spec("cramjam") is None:
        return None
    snappy = import_module("cramjam").snappy

    def compress(content: bytes) -> bytes:
        return bytes(snappy.compress_raw(content))

    def decompress(content: bytes, size: int) -> bytes:
        try:
            if snappy.decompress_raw_len(content) != size:  # told before anything is made
                raise ValueError("another size than the message says")
            return bytes(snappy.decompress_raw(content))
        except ValueError:
            raise
        except Exception as error:  # the library's own class derives from nothing nearer
            raise ValueError(str(error)) from None

    return Compressor(1, "snappy", compress, decompress)


def _zstd() -> Compressor | None:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    if find_spec(name.partition(".")[0]) is None:
        return None
    try:
        zstd = import_module(name)
    except ImportError:
        return None

    def decompress(content: bytes, size: int) -> bytes:
        try:
            return _of_size(zstd.ZstdDecompressor().decompress(content, size + 1), size)
        except (zstd.ZstdError, EOFError) as error:
            raise ValueError(str(error)) from None

    return Compressor(3, "zstd", zstd.compress, decompress)


_NOOP: Final = Compressor(0, "noop", _same, _of_size)
_ZLIB: Final = Compressor(2, "zlib", zlib.compress, _from_zlib)
COMPRESSORS: Final = tuple(each for each in (_zstd(), _ZLIB, _snappy()) if each is not None)
"""Those that are offered, the best first."""

_BY_NUMBER: Final = {each.number: each for each in (_NOOP, *COMPRESSORS)}


def compressor_of(number: int) -> Compressor | None:
    """The compressor of this number; None if there is none."""
    return _BY_NUMBER.get(number)


def agreed(offered: object) -> list[str]:
    """The names, of those that a client offers in `hello`, that are understood here, in the client's order."""
    names = {each.name for each in COMPRESSORS}
    return [name for name in offered if name in names] if isinstance(offered, list) else []
