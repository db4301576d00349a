"""Resume tokens: their texts are ordered as the places are, and foreign ones are refused by the server's codes."""

from __future__ import annotations

import pytest
from bson import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.streams.tokens import (
    EVENT,
    HIGH_WATER_MARK,
    ResumeToken,
    high_water_mark,
    parse_token,
    sequence_of,
    timestamp_of,
)

sequences = st.integers(0, 2**64 - 1)
marks = st.builds(high_water_mark, sequences)
events = st.builds(
    ResumeToken,
    sequences | st.integers(1, 3),
    kind=st.just(EVENT),
    entry=st.integers(0, 2**32 - 1) | st.integers(0, 2),
    document=st.integers(0, 2**32 - 1) | st.integers(0, 2),
    is_invalidate=st.booleans(),
    fragment=st.integers(-1, 3),
)
tokens = marks | events


@given(tokens, tokens)
def test_texts_are_ordered_as_places(one: ResumeToken, other: ResumeToken) -> None:
    assert (one.data < other.data) == (one < other)
    assert (one.data == other.data) == (one == other)


@given(tokens)
def test_a_token_is_read_as_it_was_written(token: ResumeToken) -> None:
    assert parse_token(token.as_document()) == token
    assert parse_token({"_data": token.data.lower()}) == token


@given(sequences)
def test_a_sequence_is_a_cluster_time(sequence: int) -> None:
    assert sequence_of(timestamp_of(sequence)) == sequence
    assert high_water_mark(sequence).cluster_time == timestamp_of(sequence)


def test_the_cluster_time_stands_where_the_server_has_it() -> None:
    token = ResumeToken(sequence_of(Timestamp(0x62F1A2B3, 7)))
    assert token.data.startswith("8262F1A2B300000007")


def test_a_mark_stands_before_the_events_of_its_time() -> None:
    assert ResumeToken(6) < high_water_mark(7) < ResumeToken(7) < ResumeToken(7, is_invalidate=True)
    assert high_water_mark(7).kind == HIGH_WATER_MARK


def test_fragments_stand_behind_their_event() -> None:
    event = ResumeToken(7, entry=1)
    fragments = [event._replace(fragment=number) for number in range(3)]
    assert [event, *fragments] == sorted([*fragments, event])
    assert {each.whole for each in fragments} == {event}


TOKEN = ResumeToken(7 << 32).data
REFUSED = [
    ("no _data", {}, 40647),
    ("_data of another type", {"_data": 1}, 40647),
    ("type bits of another type", {"_data": TOKEN, "_typeBits": 1}, 40648),
    ("empty", {"_data": ""}, 40649),
    ("no hexadecimal text", {"_data": "82xx"}, 9),
    ("half a byte", {"_data": "828"}, 9),
    ("spaces", {"_data": "82 00"}, 9),
    ("no timestamp in front", {"_data": "00" + TOKEN[2:]}, 50811),
    ("cut within the timestamp", {"_data": TOKEN[:10]}, 50811),
    ("cut before the version", {"_data": TOKEN[:18]}, 50796),
    ("of a server", {"_data": "8262F1A2B3000000072B022C0100296E5A1004"}, 50795),
    ("of another kind", {"_data": TOKEN[:20] + "01" + TOKEN[22:]}, 51057),
    ("cut behind the kind", {"_data": TOKEN[:22]}, 260),
    ("too long", {"_data": TOKEN + "00"}, 260),
    ("a mark with more", {"_data": high_water_mark(7).data + "00"}, 260),
]


@pytest.mark.parametrize(("token", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(token: dict[str, object], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_token(token)
    assert caught.value.code == code
