"""What change streams make of commits, and share.

A thousand streams that want the same share the work: what one has made of a commit, encoded, the others find in its
memo. And while they wait, one look at what was committed tells which of them it concerns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from amongo.engine.log.history import History
from amongo.engine.log.recent import Commit
from amongo.errors import ServerError
from amongo.runtime.limits import (
    HISTORY_QUICK_BYTES,
    LONG_COMMIT_COUNT,
    NEWS_BYTES,
    RECENT_COMMIT_BYTES,
    SHARED_BYTES,
    SHARED_EVENTS,
    STREAM_COMMITS,
)
from amongo.runtime.workers import Lock
from amongo.streams.events import Event, events, read_head
from amongo.streams.following import Follower
from amongo.streams.options import ChangeStreamOptions, Scope
from amongo.streams.tokens import ResumeToken

_NAMESPACES: Final = "namespaces"
_CATALOG: Final = "$cmd"
_NEWS_READS: Final = 4
_NO_EVENTS: Final[tuple[Event, ...]] = ()


class SharedCommits:
    """The commits for which streams have made something that others share: of the last ones it is kept."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._commits: deque[tuple[Commit, int]] = deque()  # with about how many bytes they take
        self._total_bytes = 0

    def namespaces(self, commit: Commit) -> frozenset[str]:
        """The collections that a commit changes; `$cmd` among them if it changes the catalog."""
        found: frozenset[str] | None = commit.memo.get(_NAMESPACES)
        if found is None:
            found = frozenset(_namespace_of(read_head(entry.head)) for entry in commit.entries)
            commit.memo[_NAMESPACES] = found
            self._keep(commit, _size_of(commit))
        return found

    def _keep(self, commit: Commit, size_bytes: int) -> None:
        """Keep what is made of a commit; of the oldest ones no longer, where it is too much."""
        with self._lock:
            self._commits.append((commit, size_bytes))
            self._total_bytes += size_bytes
            while self._total_bytes > SHARED_BYTES:
                oldest, size_bytes = self._commits.popleft()
                self._total_bytes -= size_bytes
                oldest.memo.clear()


class CommitNews:
    """Says which collections have been changed."""

    def __init__(self, history: History, shared: SharedCommits) -> None:
        self._history = history
        self._shared = shared
        self._reader = history.reader(history.last)
        self._passed_bytes = 0  # since everybody was called

    def happened(self) -> frozenset[str] | None:
        """The namespaces of the collections that were changed since the last call; None if it may be any."""
        namespaces: set[str] = set()
        try:
            for _ in range(_NEWS_READS):
                if not self._reader.is_near:
                    break
                commits = self._reader.next(STREAM_COMMITS)
                if not commits:
                    return None if _CATALOG in namespaces else frozenset(namespaces)
                namespaces.update(*map(self._shared.namespaces, commits))
                self._passed_bytes += sum(map(_size_of, commits))
                if self._passed_bytes > NEWS_BYTES:  # nobody falls behind because nothing concerns him
                    self._passed_bytes = 0
                    return None
        except ServerError:
            pass  # whoever is concerned meets it again
        self._reader.close()
        self._reader = self._history.reader(self._history.last)
        return None

    def close(self) -> None:
        """Read no more."""
        self._reader.close()


def _size_of(commit: Commit) -> int:
    """About how much of the history a commit takes."""
    if is_long(commit):
        return NEWS_BYTES
    return RECENT_COMMIT_BYTES + sum(len(raw) for entry in commit.entries for raw in entry.documents)


def is_long(commit: Commit) -> bool:
    """Whether a commit's events are no work for an event loop."""
    return any(
        len(entry.documents) > LONG_COMMIT_COUNT
        or (bool(entry.documents) and max(map(len, entry.documents)) > HISTORY_QUICK_BYTES)
        for entry in commit.entries
    )


def _namespace_of(head: dict[str, Any]) -> str:
    return _CATALOG if head["op"] == "c" else head.get("ns", "")


@lru_cache(maxsize=4096)
def _shared_key(scope: Scope, options: ChangeStreamOptions) -> tuple[object] | None:
    """What streams have in common that see the very same events; None for those whose events are their own.

    options   without the start
    """
    is_own = options.full_document != "default" or options.before_change != "off"
    return None if is_own else (object(),)


class EventSource:
    """The events of commits, as one stream sees them.

    namespace   of the one collection that it watches; None for more of them
    shared      what it shares with others
    """

    __slots__ = ("_follower", "_is_made", "_key", "_start", "namespace", "options", "scope", "shared")

    def __init__(
        self,
        shared: SharedCommits,
        follower: Follower,
        scope: Scope,
        options: ChangeStreamOptions,
        start: ResumeToken,
    ) -> None:
        self.scope = scope
        self.options = replace(options, start=None)
        self.shared = shared
        self._follower = follower
        self._start = start
        self._key = _shared_key(scope, self.options)
        self._is_made = True  # whether there is nothing to be done any more for the last commit's events
        self.namespace = f"{scope.database}.{scope.collection}" if scope.collection else None

    @property
    def start(self) -> ResumeToken:
        """Where the stream begins."""
        return self._start

    def events(self, commit: Commit) -> Iterable[Event]:
        """The events of the next commit; an invalidate is the last.

        errors   TOKEN_NOT_FOUND where the stream has to begin behind an event that does not come, those of `events`
        """
        self._is_made = False
        if self._follower.is_seeking or commit.sequence <= self._start.sequence:
            return self._follower.events(commit)
        if self.namespace is not None:
            namespaces = self.shared.namespaces(commit)
            if self.namespace not in namespaces and _CATALOG not in namespaces:
                self._is_made = True
                return _NO_EVENTS
        if self._key is None:
            return self._follower.events(commit)
        found: list[Event] | None = commit.memo.get(self._key)
        if found is not None:
            self._is_made = True
            return found
        made = events(commit, self.scope, self.options)
        if is_long(commit) or sum(len(entry.documents) for entry in commit.entries) > SHARED_EVENTS:
            return made
        found = list(made)
        if found:
            commit.memo[self._key] = found
        return found

    def is_long(self, commit: Commit) -> bool:
        """Whether the events of the commit that `events` was last asked for are no work for an event loop."""
        return not self._is_made and is_long(commit)
