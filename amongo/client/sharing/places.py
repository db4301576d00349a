"""Where the processes of a store meet: the socket in its directory, and the right to serve it.

Who wants to own a store takes an exclusive `flock` on its directory first (the candidacy), then the store's own lock.
So another process can tell an owner that serves, or soon will, from one that does not: without the candidacy it waits
and attaches; with it, and the store locked all the same, it is told that the store is in use. The system drops both
locks with the process that has them, however it ends. The socket can be opened by the user of the owner alone.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import tempfile
from contextlib import suppress
from typing import Final

from amongo.runtime.descriptors import OwnDescriptor
from amongo.runtime.limits import SHARING_BACKLOG

SOCKET_NAME: Final = "amongo.sock"
_PATH_BYTES: Final = 100  # a Unix socket's address has room for 104 to 108, with the name that it has at first
_OWN_DESCRIPTORS: Final = "/proc/self/fd"
CAN_SHARE: Final = hasattr(socket, "AF_UNIX") and os.name == "posix"
"""Whether this system has what sharing needs."""


class Candidacy:
    """The right to own and serve a store, until it is released or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = OwnDescriptor(descriptor)

    def release(self) -> None:
        """Leave it to others."""
        descriptor = self._descriptor.give_up()
        if descriptor >= 0:
            os.close(descriptor)


def candidacy(directory: str) -> Candidacy | None:
    """The right to own the store; None while another process has it, or is about to own the store.

    The directory is made if it is not there. errors: OSError
    """
    import fcntl

    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except FileNotFoundError:
        os.makedirs(directory, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return Candidacy(descriptor)


class Meeting:
    """The listening socket of an owner."""

    def __init__(self, directory: str) -> None:
        """Listen. The socket takes its name when it can be connected to, and by its user alone. errors: OSError."""
        self._directory = directory
        temporary = f"s{secrets.token_hex(4)}"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _Place(directory) as place:
                self.listener.bind(place.path(temporary))
                try:
                    os.chmod(place.path(temporary), 0o600)
                    self.listener.listen(SHARING_BACKLOG)
                    os.replace(place.path(temporary), place.path(SOCKET_NAME))
                except BaseException:
                    os.unlink(place.path(temporary))
                    raise
        except BaseException:
            self.listener.close()
            raise

    def close(self) -> None:
        """Listen no longer. Only with the candidacy: the name may be the next owner's otherwise."""
        with suppress(OSError), _Place(self._directory) as place:
            os.unlink(place.path(SOCKET_NAME))
        self.listener.close()


def connect(directory: str) -> socket.socket:
    """A connection to the owner. errors: OSError while nobody serves; BlockingIOError while too many connect."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        with _Place(directory) as place:
            connection.connect(place.path(SOCKET_NAME))
    except BaseException:
        connection.close()
        raise
    return connection


class _Place:
    """The directory of the socket, by a path that is short enough for a socket's address.

    That of a store with a long path is reached through a descriptor where the system has names for these; elsewhere the
    socket lies in a directory of the user's own among the temporary files.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._descriptor = -1

    def __enter__(self) -> _Place:
        if len(os.fsencode(os.path.join(self._directory, SOCKET_NAME))) > _PATH_BYTES:
            if os.path.isdir(_OWN_DESCRIPTORS):
                self._descriptor = os.open(self._directory, os.O_RDONLY)
                self._directory = f"{_OWN_DESCRIPTORS}/{self._descriptor}"
            else:
                self._directory = _own_directory(self._directory)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def path(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self._directory, name)


def _own_directory(store: str) -> str:
    """A short directory for a store's socket that nobody else can use. errors: OSError."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(store))).hexdigest()[:16]
    directory = os.path.join(tempfile.gettempdir(), f"amongo-{os.getuid()}-{name}")
    os.makedirs(directory, mode=0o700, exist_ok=True)
    found = os.lstat(directory)
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"'{directory}' is not this user's alone")
    return directory
