"""$changeStreamSplitLargeEvent: which fields come in which fragment, and where a stream goes on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.runtime.limits import COMMAND_BYTES
from amongo.streams.splitting import EVENT_BYTES, Splitter, check_size
from amongo.streams.tokens import ResumeToken
from amongo.values.codec import encode_in_order

TOKEN = ResumeToken(7 << 32, entry=1)
LIMIT = 1000


def event(**sizes: int) -> dict[str, Any]:
    return {"_id": TOKEN.as_document(), **{name: "*" * size for name, size in sizes.items()}}


def split(document: dict[str, Any], resumed: ResumeToken | None = None, limit: int = LIMIT) -> list[dict[str, Any]]:
    return [each.document for each in Splitter(resumed, limit).fragments(TOKEN, document)]


def test_a_small_event_is_delivered_whole() -> None:
    document = event(a=LIMIT - 200)
    (only,) = Splitter(None, LIMIT).fragments(TOKEN, document)
    assert only.document is document
    assert only.token == TOKEN


def test_the_smallest_fields_come_first() -> None:
    first, second = split(event(large=700, small=10, middle=500, b=10))
    assert list(first) == ["_id", "splitEvent", "b", "small", "middle"]
    assert list(second) == ["_id", "splitEvent", "large"]
    assert (first["splitEvent"], second["splitEvent"]) == ({"fragment": 1, "of": 2}, {"fragment": 2, "of": 2})


def test_tokens_are_ordered_and_of_the_event() -> None:
    fragments = Splitter(None, LIMIT).fragments(TOKEN, event(a=600, b=600, c=600))
    assert [each.token.fragment for each in fragments] == [0, 1, 2]
    assert {each.token.whole for each in fragments} == {TOKEN}
    assert all(each.document["_id"] == each.token.as_document() for each in fragments)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_resumed_behind_a_fragment(seen: int) -> None:
    document = event(a=600, b=601, c=602)
    fragments = split(document)
    assert split(document, TOKEN._replace(fragment=seen)) == fragments[seen + 1 :]


def test_resumed_behind_a_fragment_of_another_event() -> None:
    document = event(a=600, b=600)
    assert len(split(document, TOKEN._replace(document=1, fragment=0))) == 2


def test_only_the_first_event_can_be_the_one_resumed() -> None:
    splitter = Splitter(TOKEN._replace(fragment=0), LIMIT)
    assert len(splitter.fragments(TOKEN, event(a=600, b=600))) == 1
    assert len(splitter.fragments(TOKEN._replace(document=1), event(a=600, b=600))) == 2


REFUSED = [
    ("a field that is too large", event(a=10, b=LIMIT), None, 7182500),
    ("no field but _id", {"_id": "*" * LIMIT}, None, 7182502),
    ("no split any more", event(a=10), TOKEN._replace(fragment=0), 280),
    ("another split", event(a=600, b=600), TOKEN._replace(fragment=2), 280),
]


@pytest.mark.parametrize(
    ("document", "resumed", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(document: dict[str, Any], resumed: ResumeToken | None, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        split(document, resumed)
    assert caught.value.code == code


@given(st.dictionaries(st.text("abcd", min_size=1, max_size=4), st.integers(0, 500), min_size=1, max_size=12))
def test_fragments_make_up_the_event(sizes: dict[str, int]) -> None:
    document = event(**sizes)
    fragments = split(document)
    assert all(len(encode_in_order(each)) <= LIMIT for each in fragments)
    if len(fragments) == 1:
        assert fragments == [document]
        return
    fields = {name: value for each in fragments for name, value in each.items() if name not in ("_id", "splitEvent")}
    assert fields == {name: value for name, value in document.items() if name != "_id"}


def test_the_servers_limits() -> None:
    check_size(event(a=1), bytes(COMMAND_BYTES))
    with pytest.raises(ServerError, match=r"Size must be between 0 and 16793600\(16MB\) First element: _id") as caught:
        check_size(event(a=1), bytes(COMMAND_BYTES + 1))
    assert caught.value.code == 10334
    assert EVENT_BYTES == 16_785_408
