"""Resuming: behind the token of an event come exactly the events behind it, whatever the scope and the place."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_replaying import present
from watching import EXPANDED, SHOP, World, told
from workloads import random_work

from amongo.errors import ServerError
from amongo.streams.events import Event
from amongo.streams.following import Follower
from amongo.streams.options import Scope, parse_change_stream
from amongo.streams.tokens import ResumeToken, high_water_mark

SCOPES = [Scope(), SHOP, Scope("shop", "a"), Scope("shop", "b")]


@pytest.mark.parametrize("is_expanded", [False, True])
@pytest.mark.parametrize("scope", SCOPES, ids=["deployment", "database", "collection", "other"])
@pytest.mark.parametrize("seed", range(2))
def test_no_event_is_lost_at_any_token(seed: int, scope: Scope, is_expanded: bool) -> None:
    world = World()
    try:
        for step in random_work(seed, 40):
            step(world)
        spec = EXPANDED if is_expanded else {}
        # Every stretch between two invalidates, as a consumer sees them who starts again behind each.
        events: list[Event] = []
        while True:
            stretch = world.events(spec, scope, events[-1].token if events else None)
            events += stretch
            if not stretch or not stretch[-1].is_invalidate:
                break
        tokens = [event.token for event in events]
        assert tokens == sorted(set(tokens))
        assert [token.data for token in tokens] == sorted(token.data for token in tokens)
        for position, event in enumerate(events):
            behind = world.events(spec, scope, event.token)
            expected = events[position + 1 : position + 1 + len(behind)]
            assert [told(each) for each in behind] == [told(each) for each in expected]
            assert [each.token for each in behind] == [each.token for each in expected]
            assert position + 1 + len(behind) == len(events) or (behind and behind[-1].is_invalidate)
    finally:
        world.close()


@pytest.mark.parametrize("seed", range(50, 54))
def test_events_are_the_same_after_a_restart(seed: int, tmp_path: Path) -> None:
    """The log's files say what was in memory, and the store is the same by them."""
    world = World(str(tmp_path / "data"))
    for step in random_work(seed, 60):
        step(world)
    events, found = world.events(EXPANDED, Scope()), present(world)
    world.close()
    again = World(str(tmp_path / "data"))
    try:
        assert present(again) == found
        assert [event.raw for event in again.events(EXPANDED, Scope())] == [event.raw for event in events]
    finally:
        again.close()


@pytest.fixture
def pairs(world: World) -> World:
    """Three commits on `shop.fruit`, of two inserts each."""
    world.ask({"create": "fruit"})
    world.skip()
    for number in range(0, 6, 2):
        world.ask({"insert": "fruit", "documents": [{"_id": number}, {"_id": number + 1}]})
    return world


def keys(events: list[Event]) -> list[int]:
    return [event.document["documentKey"]["_id"] for event in events]


def follower(world: World, start: ResumeToken, scope: Scope = SHOP) -> Follower:
    return Follower(scope, parse_change_stream({}), start)


def test_a_mark_is_before_the_events_of_its_time(pairs: World) -> None:
    second = pairs.read()[1]
    assert keys(pairs.events(start=high_water_mark(second.sequence))) == [2, 3, 4, 5]
    assert keys(pairs.events(start=high_water_mark(second.sequence + 1))) == [4, 5]


def test_the_token_moves_along(pairs: World) -> None:
    first, second, _ = pairs.read()
    following = follower(pairs, high_water_mark(first.sequence))
    assert following.after == first.sequence - 1
    events = following.events(first)
    one = next(events)
    assert following.token == one.token
    assert [event.document["documentKey"]["_id"] for event in events] == [1]
    assert following.token == high_water_mark(first.sequence + 1)
    assert following.after == first.sequence
    list(follower(pairs, following.token, Scope("shop", "none")).events(second))


def test_a_stream_that_sees_nothing_gets_on(pairs: World) -> None:
    following = follower(pairs, high_water_mark(1), Scope("shop", "none"))
    for commit in pairs.read():
        assert list(following.events(commit)) == []
    assert following.token == high_water_mark(pairs.commits[-1].sequence + 1)


def test_commits_before_the_start_are_left_out(pairs: World) -> None:
    first, second, third = pairs.read()
    following = follower(pairs, high_water_mark(third.sequence))
    assert list(following.events(first)) == list(following.events(second)) == []
    assert keys(list(following.events(third))) == [4, 5]


def test_behind_a_fragment_its_event_comes_again(pairs: World) -> None:
    """To be split again: who splits leaves out what was seen."""
    events = pairs.events()
    token = events[2].token._replace(fragment=0)
    assert keys(pairs.events(start=token)) == [2, 3, 4, 5]


NOT_THERE = [
    ("another document", lambda token: token._replace(document=9)),
    ("another entry", lambda token: token._replace(entry=1)),
    ("not where the stream ends", lambda token: token._replace(is_invalidate=True)),
]


@pytest.mark.parametrize("change", [case[1] for case in NOT_THERE], ids=[case[0] for case in NOT_THERE])
def test_a_token_of_no_event_is_refused(pairs: World, change: object) -> None:
    token = change(pairs.events()[2].token)  # type: ignore[operator]
    with pytest.raises(ServerError, match="the resume token was not found") as caught:
        pairs.events(start=token)
    assert caught.value.code == 280
    assert caught.value.labels == ("NonResumableChangeStreamError",)


def test_a_token_of_no_commit_is_refused(pairs: World) -> None:
    first, _, third = pairs.read()
    following = follower(pairs, ResumeToken(first.sequence + 1))
    with pytest.raises(ServerError) as caught:
        list(following.events(third))
    assert caught.value.code == 280


def test_a_token_of_another_scope_is_refused_when_an_event_comes(pairs: World) -> None:
    token = pairs.events()[2].token
    other = Scope("shop", "other")
    assert pairs.events(scope=other, start=token) == []
    pairs.ask({"insert": "other", "documents": [{"_id": 1}]})
    with pytest.raises(ServerError) as caught:
        pairs.events(scope=other, start=token)
    assert caught.value.code == 280


def test_a_token_of_an_expanded_event_is_refused_without_them(world: World) -> None:
    world.ask({"insert": "fruit", "documents": [{"_id": 1}]})
    create, _ = world.events(EXPANDED)
    with pytest.raises(ServerError) as caught:
        world.events(start=create.token)
    assert caught.value.code == 280
