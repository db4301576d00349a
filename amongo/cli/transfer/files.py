"""Files to read from and to write to: plain or compressed with gzip, or the standard streams.

A file that is written appears under its name only when it is whole; until then it has `.part` behind it.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from amongo.cli.transfer.malformed import MalformedInput

STANDARD: Final = "-"
_GZIP_MAGIC: Final = b"\x1f\x8b"


class InputFile:
    """A file that is read once, from beginning to end.

    name         as messages call it
    size_bytes   of the file as it is stored; None for a stream
    """

    def __init__(self, stored: IO[bytes], name: str, size_bytes: int | None) -> None:
        self.name = name
        self.size_bytes = size_bytes
        self._stored = _Counted(stored)
        first = self._stored.peek(2)
        counted: Any = self._stored
        self._plain: Any = gzip.GzipFile(fileobj=counted, mode="rb") if first == _GZIP_MAGIC else counted

    @property
    def position_bytes(self) -> int:
        """How much of the stored file has been read."""
        return self._stored.position_bytes

    def read(self, size_bytes: int) -> bytes:
        """The next bytes, decompressed: fewer than asked for only at the end.

        errors   MalformedInput for damaged or truncated compressed data
        """
        pieces = []
        while size_bytes > 0:
            try:
                piece = self._plain.read(size_bytes)
            except EOFError:
                raise MalformedInput(
                    f"{self.name}: the compressed data ends too early, at byte {self.position_bytes}"
                ) from None
            except (gzip.BadGzipFile, zlib.error) as error:
                raise MalformedInput(
                    f"{self.name}: damaged compressed data before byte {self.position_bytes}: {error}"
                ) from None
            if not piece:
                break
            pieces.append(piece)
            size_bytes -= len(piece)
        return b"".join(pieces)


class _Counted:
    """A file that says how much of it has been read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ahead = b""
        self.position_bytes = 0

    def peek(self, size_bytes: int) -> bytes:
        """The first bytes, which will be read again."""
        while len(self._ahead) < size_bytes and (piece := self._file.read(size_bytes - len(self._ahead))):
            self._ahead += piece
        return self._ahead

    def seekable(self) -> bool:
        """It is read once."""
        return False

    def read(self, size_bytes: int = -1) -> bytes:
        """The next bytes."""
        if self._ahead:
            taken = self._ahead if size_bytes < 0 else self._ahead[:size_bytes]
            self._ahead = self._ahead[len(taken) :]
        else:
            taken = self._file.read(size_bytes)
        self.position_bytes += len(taken)
        return taken


@contextmanager
def reading(path: str) -> Iterator[InputFile]:
    """Open a file to read; `-` is the standard input. Compressed files are known by their first bytes.

    errors   OSError
    """
    if path == STANDARD:
        yield InputFile(sys.stdin.buffer, "standard input", None)
        return
    with open(path, "rb") as file:
        yield InputFile(file, path, os.fstat(file.fileno()).st_size)


@contextmanager
def writing(path: str, *, is_compressed: bool = False) -> Iterator[IO[bytes]]:
    """Open a file to write; `-` is the standard output. It has its name when the block has ended without an error.

    errors   OSError
    """
    if path == STANDARD:
        with _compressing(sys.stdout.buffer, is_compressed) as output:
            yield output
        sys.stdout.buffer.flush()
        return
    unfinished = f"{path}.part"
    try:
        with open(unfinished, "wb") as file, _compressing(file, is_compressed) as output:
            yield output
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise


@contextmanager
def _compressing(file: IO[bytes], is_compressed: bool) -> Iterator[IO[bytes]]:
    if not is_compressed:
        yield file
        return
    compressed = gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0)
    with compressed, io.BufferedWriter(compressed) as buffered:
        yield buffered
