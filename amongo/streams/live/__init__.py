"""Live queries: the result of a find, kept up to date from the log.

A live query reads its result once. From then on it follows the commits of the log: each changed document is held
against the filter, put in its place in the order, and what that does to the result is told as differences, which turn
the result before the commit into the result after it. Nothing is ever asked again.

    definition    what is asked: which documents belong to the result, in which order, shown how
    result        the matching documents in order, and what a change of one does to the window that is shown
    feed          the way of a commit: its changes, one after the other, to differences
"""

from amongo.streams.live.definition import Definition
from amongo.streams.live.feed import Feed
from amongo.streams.live.result import Difference, LiveResult

__all__ = ["Definition", "Difference", "Feed", "LiveResult"]
