"""Files whose every page is verified before it is believed: written with checksums, read through a map.

A page is 64 KiB. Its checksum is taken as it is written and compared when it is first touched; from then on the flag
of the page says so, which costs a tenth of a microsecond. What does not verify is never served.

A file is mapped in windows, each longer than its share by the longest thing that may begin in it, so that whatever
begins in a window ends in it. Usually one window holds a whole file. Where the address space is limited, windows are
small, few of them are kept, and those of all files are given up when there is no room for another: a file longer than
the address space can be read. A window lives as long as somebody looks at it.

Everything that readers share here is filled in once and may be filled in twice: no lock, on any thread.
"""

from __future__ import annotations

import errno
import mmap
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from xxhash import xxh3_64, xxh3_64_intdigest

from amongo.engine.snapshots.format import PAGE_BITS, page_count
from amongo.errors import storage
from amongo.runtime.limits import CHECKED_PAGE_BYTES, MAP_WINDOW_BYTES, MAP_WINDOWS_SMALL, SNAPSHOT_SYNC_BYTES

if TYPE_CHECKING:
    from amongo.engine.files.interface import AppendFile, Files, Mapped
    from amongo.runtime.interrupts import Interrupt

_PAGE_MASK = CHECKED_PAGE_BYTES - 1
_SMALL_BYTES = 16 * 1024
_GATHERED_BYTES = 256 * 1024


class CheckedFile:
    """A file being written, that knows the checksums of its pages. It is a file object, as Arrow wants one.

    Small pieces are gathered; a long file is synced now and then, so that no fsync is long.
    """

    closed = False

    def __init__(self, file: AppendFile) -> None:
        """file: empty, just opened; it is this object's from now on."""
        self.size = 0
        self.sums: list[int] = []
        self._file = file
        self._gathered = bytearray()
        self._page = xxh3_64()
        self._synced = 0

    def write(self, block: bytes | bytearray | memoryview) -> int:
        """Write a block at the end. errors: OSError."""
        view = memoryview(block).cast("B")
        length = len(view)
        self._sum(view, length)
        if length < _SMALL_BYTES:
            self._gathered += view
            if len(self._gathered) >= _GATHERED_BYTES:
                self._hand_over()
        else:
            self._hand_over()
            self._file.write(view)
        if self.size - self._synced >= SNAPSHOT_SYNC_BYTES:
            self._hand_over()
            self._file.sync()
            self._synced = self.size
        return length

    def _sum(self, view: memoryview, length: int) -> None:
        start, into = 0, self.size & _PAGE_MASK
        self.size += length
        if into:
            start = min(CHECKED_PAGE_BYTES - into, length)
            self._page.update(view[:start])
            if into + start < CHECKED_PAGE_BYTES:
                return
            self.sums.append(self._page.intdigest())
            self._page.reset()
        while length - start >= CHECKED_PAGE_BYTES:
            self.sums.append(xxh3_64_intdigest(view[start : start + CHECKED_PAGE_BYTES]))
            start += CHECKED_PAGE_BYTES
        self._page.update(view[start:])

    def _hand_over(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._file.write(gathered)

    def finish(self) -> None:
        """Make all of it durable, and close it. errors: OSError."""
        self._hand_over()
        if self.size & _PAGE_MASK:
            self.sums.append(self._page.intdigest())
        self._file.sync()
        self._file.close()

    def abandon(self) -> None:
        """Close it as it is."""
        self._file.close()

    def tell(self) -> int:
        """Where the next byte goes."""
        return self.size

    def flush(self) -> None:
        """Nothing: `finish` does."""

    def close(self) -> None:
        """Nothing: `finish` does."""

    def readable(self) -> bool:
        """No."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """No."""
        return False


class Window:
    """A mapped part of a file.

    raw     its bytes; a slice of them is `bytes`
    words   the same as unsigned 32-bit numbers
    longs   the same as signed 64-bit numbers
    """

    __slots__ = ("_is_ahead", "longs", "raw", "words")

    def __init__(self, raw: Mapped) -> None:
        view = memoryview(raw)
        self.raw = raw
        self._is_ahead = not advise(raw, "MADV_RANDOM")
        self.words = view[: len(view) & ~3].cast("I")
        self.longs = view[: len(view) & ~7].cast("q")

    def expect(self, start: int, length: int) -> None:
        """Have the system bring some bytes from the disk at once, and none around them."""
        if not self._is_ahead:
            advise(self.raw, "MADV_WILLNEED", start, length)

    def read_on(self) -> None:
        """From now on it is read in order: have the system read ahead."""
        if not self._is_ahead:
            self._is_ahead = True
            advise(self.raw, "MADV_NORMAL")


def advise(raw: Mapped, name: str, *part: int) -> bool:
    """Tell the system how mapped bytes will be read; whether it can be told. It may be told anything: where megabytes
    are read ahead around every byte that is looked at, a look-up would take the longer the longer the file is."""
    advice = getattr(mmap, name, None)
    if advice is None or not isinstance(raw, mmap.mmap):
        return False
    with suppress(OSError):
        raw.madvise(advice, *part)
    return True


class CheckedMap:
    """A file that is read through a map, every page verified when it is first touched.

    path      for messages
    size      of the file, in bytes
    flags     for each page, 1 if it has been verified
    bits      a window holds the offsets that agree in all but their last `bits` bits
    windows   those that are mapped; `window` gives the others
    """

    __slots__ = ("__weakref__", "_beyond", "_files", "_sums", "bits", "flags", "path", "size", "windows")

    def __init__(self, files: Files, path: str, size: int, sums: memoryview, longest: int) -> None:
        """size: in bytes, as the sidecar has it; sums: of the pages; longest: what may reach over a window's end.

        errors   SNAPSHOT_MISSING, SNAPSHOT_CORRUPT for another size, STORE_UNREADABLE
        """
        self.path = path
        self.size = size
        self.bits = files.window_bytes.bit_length() - 1
        self.flags = bytearray(page_count(size))
        self.windows: list[Window | None] = [None] * ((size >> self.bits) + 1)
        self._files = files
        self._sums = sums
        self._beyond = longest
        found = file_size(files, path)
        if found != size:
            reason = f"the file has {found} bytes and should have {size}"
            raise storage.SNAPSHOT_CORRUPT(file=path, offset=min(found, size), reason=reason)
        _maps.add(self)

    def window(self, index: int) -> Window:
        """A window, mapped. errors: STORE_UNREADABLE."""
        window = self.windows[index]
        if window is None:
            if 1 << self.bits < MAP_WINDOW_BYTES and len(self.windows) - self.windows.count(None) >= MAP_WINDOWS_SMALL:
                self.release()
            window = self.windows[index] = self._map(index)
        return window

    def _map(self, index: int) -> Window:
        start = index << self.bits
        length = min(self.size - start, (1 << self.bits) + self._beyond)
        try:
            try:
                return Window(self._files.map(self.path, start, length))
            except OSError as error:
                if error.errno != errno.ENOMEM:
                    raise
                for each in list(_maps):
                    each.release()
                return Window(self._files.map(self.path, start, length))
        except FileNotFoundError:
            raise storage.SNAPSHOT_MISSING(file=self.path) from None
        except ValueError:
            reason = f"the file has become shorter than {start + length} bytes"
            raise storage.SNAPSHOT_CORRUPT(file=self.path, offset=start, reason=reason) from None
        except OSError as error:
            raise storage.STORE_UNREADABLE(path=self.path, reason=error.strerror or error) from error

    def release(self) -> None:
        """Give up the windows, and the memory that the operating system counts as ours for them."""
        self.windows[:] = [None] * len(self.windows)

    def read_on(self, offset: int) -> None:
        """From now on the window of this offset is read in order."""
        self.window(offset >> self.bits).read_on()

    def check(self, start: int, end: int) -> None:
        """Verify the pages of start <= offset < end that have not been. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        flags = self.flags
        first, last = start >> PAGE_BITS, (end - 1) >> PAGE_BITS
        if flags[first] and flags[last] and last - first < 2:
            return
        for page in range(first, last + 1):
            if not flags[page]:
                self._verify(page)

    def check_in(self, window: int, start: int, end: int) -> None:
        """`check` of what begins in a window, by its offsets from the beginning of this."""
        base = window << self.bits
        self.check(base + start, base + end)

    def check_all(self, interrupt: Interrupt) -> None:
        """Verify every page anew, from first to last. errors: SNAPSHOT_CORRUPT, STORE_UNREADABLE."""
        for page in range(len(self.flags)):
            interrupt.check()
            self.read_on(page << PAGE_BITS)
            self._verify(page)

    def damaged_pages(self, interrupt: Interrupt) -> Iterable[int]:
        """The offsets of all pages that do not verify, for a report. errors: STORE_UNREADABLE."""
        for page in range(len(self.flags)):
            interrupt.check()
            if not self._is_whole(page):
                yield page << PAGE_BITS

    def _verify(self, page: int) -> None:
        if not self._is_whole(page):
            reason = f"the checksum of the {CHECKED_PAGE_BYTES} bytes from there does not match"
            raise storage.SNAPSHOT_CORRUPT(file=self.path, offset=page << PAGE_BITS, reason=reason)
        self.flags[page] = 1

    def _is_whole(self, page: int) -> bool:
        start = page << PAGE_BITS
        window = self.window(start >> self.bits)
        offset = start & ((1 << self.bits) - 1)
        length = min(CHECKED_PAGE_BYTES, self.size - start)
        window.expect(offset, length)
        return xxh3_64_intdigest(memoryview(window.raw)[offset : offset + length]) == self._sums[page]


_maps: WeakSet[CheckedMap] = WeakSet()


def file_size(files: Files, path: str) -> int:
    """The size of a file in bytes. errors: SNAPSHOT_MISSING, STORE_UNREADABLE."""
    try:
        return files.size(path)
    except FileNotFoundError:
        raise storage.SNAPSHOT_MISSING(file=path) from None
    except OSError as error:
        raise storage.STORE_UNREADABLE(path=path, reason=error.strerror or error) from error
