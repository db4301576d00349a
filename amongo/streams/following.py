"""Following the log from where a token says: what is before it is left out, and it has to be there.

follower = Follower(scope, options, start, look_up)
reader = store.history.reader(follower.after)
for commit in reader.next(100):
    for event in follower.events(commit): …
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from amongo.errors import ServerError
from amongo.errors import streams as errors
from amongo.streams.events import Event, IsExpired, LookUp, events, never_expired, no_document
from amongo.streams.options import ChangeStreamOptions, Scope
from amongo.streams.tokens import HIGH_WATER_MARK, NO_FRAGMENT, ResumeToken, high_water_mark
from amongo.values.wording import shown

if TYPE_CHECKING:
    from amongo.engine.log.recent import Commit


class Follower:
    """What one stream sees of the commits that it is given in their order.

    token   the place of what it has given last; a mark behind a commit that was seen to its end
    """

    def __init__(
        self,
        scope: Scope,
        options: ChangeStreamOptions,
        start: ResumeToken,
        look_up: LookUp = no_document,
        is_expired: IsExpired = never_expired,
    ) -> None:
        """Begin behind an event, or at a mark.

        start   that of `options`, or the mark behind the last commit where there is none
        """
        self.token = start
        self._scope = scope
        self._options = options
        self._look_up = look_up
        self._is_expired = is_expired
        self._sought: ResumeToken | None = None if start.kind == HIGH_WATER_MARK else start

    @property
    def is_seeking(self) -> bool:
        """Whether the event has not come yet behind which the stream begins."""
        return self._sought is not None

    @property
    def after(self) -> int:
        """The commits with a greater sequence are to be read. That of the token has to be there still."""
        return self.token.sequence - 1

    def events(self, commit: Commit) -> Iterator[Event]:
        """The events of the next commit; an invalidate is the last.

        errors   TOKEN_NOT_FOUND where the event of the token does not come, and those of `events`
        """
        if commit.sequence < self.token.sequence:
            return
        for event in self._found(commit, self._sought):
            self.token = event.token
            yield event
            if event.is_invalidate:
                return
        self.token = max(self.token, high_water_mark(commit.sequence + 1))

    def _found(self, commit: Commit, sought: ResumeToken | None) -> Iterator[Event]:
        """The events of a commit, from behind the one that is sought. That of a fragment comes again as a whole.

        errors   TOKEN_NOT_FOUND
        """
        after = sought
        if sought is not None:
            before = sought.whole._replace(document=sought.document - 1, is_invalidate=True)
            plain = replace(self._options, full_document="default", before_change="off")
            found = events(commit, self._scope, plain, after=before)
            first = next((event.token for event in found if event.token >= sought.whole), None)
            if first is None:
                return  # as on the server, it is missed when a later event comes
            if first != sought.whole:
                raise _not_found(sought)
            after = sought if sought.fragment == NO_FRAGMENT else before
            self._sought = None
        yield from events(commit, self._scope, self._options, self._look_up, self._is_expired, after)


def _not_found(token: ResumeToken) -> ServerError:
    return errors.TOKEN_NOT_FOUND(token=shown(token.as_document()))
