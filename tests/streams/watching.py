"""What the tests of change streams share: an instance in memory, asked by commands, and the events of what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amongo.commands.instance import Instance
from amongo.engine.log.recent import Commit
from amongo.errors import ServerError
from amongo.runtime.clock import ManualClock
from amongo.streams.events import Event
from amongo.streams.following import Follower
from amongo.streams.options import Scope, parse_change_stream
from amongo.streams.tokens import ResumeToken, high_water_mark
from amongo.values.codec import decode, encode

Document = dict[str, Any]
SHOP = Scope("shop")
EXPANDED = {"showExpandedEvents": True}


class World:
    """An instance, and its log from the beginning.

    path   of a directory; None for one in memory
    """

    def __init__(self, path: str | None = None) -> None:
        self.instance = Instance.open(path, clock=ManualClock())
        self.reader = self.instance.store.history.reader(0)
        self.commits: list[Commit] = []

    def close(self) -> None:
        self.reader.close()
        self.instance.close()

    def ask(self, command: Document, database: str = "shop") -> Document:
        """The reply to a command, which has to succeed."""
        reply = self.instance.run_command(database, encode(command))
        assert not reply.get("writeErrors"), reply
        return decode(encode(reply))

    def tries(self, command: Document, database: str = "shop") -> bool:
        """Whether a command succeeds."""
        try:
            return not self.instance.run_command(database, encode(command)).get("writeErrors")
        except ServerError:
            return False

    def read(self) -> list[Commit]:
        """All commits so far."""
        while found := self.reader.next(1000):
            self.commits += found
        return self.commits

    def skip(self) -> None:
        """What was done until now is of no interest."""
        self.read()
        self.commits.clear()

    def events(
        self, spec: Document | None = None, scope: Scope = SHOP, start: ResumeToken | None = None, **options: Any
    ) -> list[Event]:
        """The events of all commits that were not skipped."""
        return list(self.follow(spec, scope, start, **options))

    def follow(
        self, spec: Document | None = None, scope: Scope = SHOP, start: ResumeToken | None = None, **options: Any
    ) -> Iterator[Event]:
        commits = self.read()
        first = high_water_mark(commits[0].sequence if commits else 1)
        follower = Follower(scope, parse_change_stream(spec or {}), start or first, **options)
        for commit in commits:
            if commit.sequence > follower.after:
                for event in follower.events(commit):
                    yield event
                    if event.is_invalidate:
                        return

    def look_up(self, identity: bytes, namespace: str, key: Document) -> bytes | None:
        """The present document."""
        found = self.ask({"find": namespace.partition(".")[2], "filter": key}, namespace.partition(".")[0])
        documents = found["cursor"]["firstBatch"]
        return encode(documents[0]) if documents else None


def kinds(events: list[Event]) -> list[str]:
    """Their operation types."""
    return [event.document["operationType"] for event in events]


def told(event: Event) -> Document:
    """The event without what differs from run to run."""
    changing = ("_id", "clusterTime", "wallTime", "collectionUUID")
    return {name: value for name, value in event.document.items() if name not in changing}
