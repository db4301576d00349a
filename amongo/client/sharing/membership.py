"""One process's part in a store that others may share: it owns it, or is attached to the owner; and how that changes.

One thread does both. Of an owner it serves the others; of an attached process it sleeps on a connection to the owner,
whose end says that the owner is gone, however it went. Then all who were attached try at once to become the owner. One
gets the store, recovers it and serves; the others attach to that one. Operations wait meanwhile, as long as their
client looks for a server (`serverSelectionTimeoutMS`).
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn
from weakref import WeakMethod

from pymongo.errors import ConfigurationError, ServerSelectionTimeoutError

from amongo.client.sharing.forms import FINGERPRINT
from amongo.client.sharing.frames import Broken, Link, Message
from amongo.client.sharing.links import Links
from amongo.client.sharing.places import Candidacy, Meeting, candidacy, connect
from amongo.client.sharing.serving import Serving
from amongo.commands.build_info import own_version
from amongo.commands.instance import Instance
from amongo.engine.files.interface import LOCK_NAME
from amongo.errors import ErrorCode, ServerError
from amongo.errors import storage as storage_errors
from amongo.runtime.blocking import drive
from amongo.runtime.limits import (
    SHARING_DYING_S,
    SHARING_JOIN_S,
    SHARING_LOOK_MOST_S,
    SHARING_LOOK_S,
)
from amongo.runtime.workers import Completion, Lock, start_service

_LOG: Final = logging.getLogger("amongo.sharing")


class Membership:
    """A process's part in a store.

    instance    the open store while this process owns it; None while it is attached
    epoch       how often the owner has changed, as far as this process has seen
    links       connections to the owner, while it is attached
    """

    def __init__(self, directory: str) -> None:
        self.instance: Instance | None = None
        self.epoch = 0
        self.links = Links(directory, lambda: Message(self._hello(stays=False)))
        self._directory = directory
        self._version = own_version()
        self._process = secrets.token_hex(8)
        self._lock = Lock()
        self._renewed = Completion()  # the next owner is known, or why there is none
        self._leaving = Completion()
        self._candidacy: Candidacy | None = None
        self._meeting: Meeting | None = None
        self._serving: Serving | None = None
        self._control: Link | None = None
        self._is_lost = False
        self._thread: Any = None
        self._when_owner: list[WeakMethod[Callable[[Instance], object]]] = []

    # Joining and leaving

    def join(self) -> None:
        """Become the owner, or attach to it; blocks meanwhile.

        errors   those of `Instance.open`; STORE_IN_USE for one that another process has and does not share;
                 ConfigurationError for an owner that another version of amongo runs in; OSError
        """
        ends = time.monotonic() + SHARING_JOIN_S
        pause_s = SHARING_LOOK_S
        while not self._settle(has_patience=False):
            if time.monotonic() > ends:
                raise storage_errors.STORE_IN_USE(path=self._directory, pid=self._owner_id())
            self._leaving.wait_blocking(pause_s)
            pause_s = min(2 * pause_s, SHARING_LOOK_MOST_S)
        try:
            self._thread = start_service("sharing", self._run)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the others alone with the store: an owner stops serving and closes it."""
        self._leaving.set_result()
        with self._lock:
            serving, control = self._serving, self._control
        if serving is not None:
            serving.stop()
        if control is not None:
            control.end()
        if self._thread is not None:
            self._thread.join()
        if self._control is not None:
            self._control.close()
        self.links.end()
        if self._meeting is not None:
            self._meeting.close()
        try:
            if self.instance is not None:
                self.instance.close()
        finally:
            if self._candidacy is not None:
                self._candidacy.release()

    def forget(self) -> None:
        """In a forked child: all of this is the parent's; what it has open is closed here, and there goes on."""
        if self._serving is not None:
            self._serving.forget()
        elif self._meeting is not None:
            self._meeting.listener.close()
        self.links.forget()
        if self._control is not None:
            self._control.close()

    def call_when_owner(self, call: Callable[[Instance], object]) -> None:
        """Have a method called, on some thread, when this process has taken the store over; at once if it has.

        What it belongs to is not kept for that.
        """
        with self._lock:
            if self.instance is None:
                self._when_owner = [each for each in self._when_owner if each() is not None]
                self._when_owner.append(WeakMethod(call))
                return
        call(self.instance)

    def forget_call(self, call: Callable[[Instance], object]) -> None:
        """Have a call not made that `call_when_owner` was given."""
        with self._lock, suppress(ValueError):
            self._when_owner.remove(WeakMethod(call))

    # Becoming the owner, or attaching

    def _settle(self, *, has_patience: bool) -> bool:
        """Own the store or attach to its owner, if one of these can be done now.

        has_patience   wait for a store that somebody has without sharing it: a tool that checks it, perhaps
        errors         those of `join`
        """
        found = candidacy(self._directory)
        if found is not None:
            return self._own(found, has_patience=has_patience)
        try:
            self._attach()
        except (OSError, Broken):  # it is opening the store, or has just gone
            return False
        return True

    def _own(self, found: Candidacy, *, has_patience: bool) -> bool:
        """Open the store. errors: those of `Instance.open`."""
        try:
            instance = self._opened(has_patience)
        except BaseException:
            found.release()
            raise
        if instance is None:
            found.release()
            return False
        try:
            self._meeting = Meeting(self._directory)
        except OSError as error:
            _LOG.warning("the store '%s' cannot be shared with other processes: %s", self._directory, error)
            found.release()
        else:
            self._candidacy = found
            self._serving = Serving(self._directory, instance, self._meeting, self._version)
        with self._lock:
            self.instance = instance
            calls, self._when_owner = self._when_owner, []
        for each in calls:
            if (call := each()) is not None:
                call(instance)
        return True

    def _opened(self, has_patience: bool) -> Instance | None:
        """The store, opened; None where one with patience has to wait. errors: those of `Instance.open`.

        The locks of a process that was killed do not go at once: this one may be there after the candidacy.
        """
        ends = time.monotonic() + SHARING_DYING_S
        while True:
            try:
                return Instance.open(self._directory)
            except ServerError as error:
                if error.code != ErrorCode.DBPathInUse:
                    raise
                if has_patience:
                    return None
                if time.monotonic() > ends:
                    raise
                time.sleep(SHARING_LOOK_S)

    def _attach(self) -> None:
        """Introduce this process to the owner. errors: OSError, Broken; ConfigurationError for another version."""
        control = Link(connect(self._directory))
        try:
            told = drive(self._introduce(control))
        except BaseException:
            control.close()
            raise
        if not told["ok"]:
            control.close()
            raise ConfigurationError(
                f"the store '{self._directory}' is owned by process {told['pid']}, which runs amongo "
                f"{told['version']}; this is amongo {self._version}, and they do not understand each other: run one "
                "version in both"
            )
        self.links.last_time = max(self.links.last_time, told["t"])
        with self._lock:
            old, self._control, self._is_lost = self._control, control, False
        if old is not None:
            old.close()

    async def _introduce(self, control: Link) -> dict[str, Any]:
        await control.send(Message(self._hello(stays=True)))
        return (await control.receive()).head

    def _hello(self, *, stays: bool) -> dict[str, Any]:
        hello = {"hello": FINGERPRINT, "process": self._process, "version": self._version, "pid": os.getpid()}
        return {**hello, "stays": True} if stays else hello

    def _owner_id(self) -> str:
        """The process that has the store, as its LOCK file says."""
        try:
            with open(os.path.join(self._directory, LOCK_NAME), encoding="ascii") as file:
                return file.read().strip() or "(not yet written)"
        except OSError:
            return "(not known)"

    # The thread

    def _run(self) -> None:
        while not self._leaving.is_done:
            if self.instance is not None:
                if self._serving is not None:
                    self._serving.run()
                return
            assert self._control is not None
            self._control.block()
            if not self._leaving.is_done:
                self._renew()

    def _renew(self) -> None:
        """The owner is gone: find who is the next, or be it."""
        self._is_lost = True
        self.links.renew()
        pause_s = SHARING_LOOK_S
        while not self._leaving.is_done:
            failure: BaseException | None = None
            try:
                if self._settle(has_patience=True):
                    self._announce(None)
                    return
            except Exception as error:
                failure = error
                _LOG.exception("the store '%s' could not be taken over", self._directory)
            if failure is not None:
                self._announce(failure)
                pause_s = 1.0
            self._leaving.wait_blocking(pause_s)
            pause_s = min(2 * pause_s, SHARING_LOOK_MOST_S)

    def _announce(self, failure: BaseException | None) -> None:
        """Let those go on who wait for the next owner."""
        with self._lock:
            renewed, self._renewed = self._renewed, Completion()
            if failure is None:
                self.epoch += 1
        if failure is None:
            renewed.set_result()
        else:
            renewed.set_exception(failure)

    # Waiting for the next owner

    async def renewed(self, epoch: int, ends: float) -> None:
        """Wait until there is another owner than that of `epoch`, or it turns out that there is no need to.

        ends     on the monotonic clock
        errors   ServerSelectionTimeoutError when there is none in time
        """
        while True:
            with self._lock:
                renewed, is_over = self._renewed, self.epoch != epoch or self.instance is not None
            if is_over:
                return
            left_s = ends - time.monotonic()
            if left_s <= 0 or self._leaving.is_done:
                self._give_up(None)
            try:
                if not await renewed.wait_for(min(left_s, SHARING_LOOK_MOST_S)) and not self._is_lost:
                    return  # a single connection was lost, and the owner is there
            except (ServerError, OSError, ConfigurationError) as failure:
                self._give_up(failure)

    def _give_up(self, failure: BaseException | None) -> NoReturn:
        why = "nobody has taken it over in time" if failure is None else str(failure)
        raise ServerSelectionTimeoutError(f"the process that owned the store '{self._directory}' is gone: {why}")
