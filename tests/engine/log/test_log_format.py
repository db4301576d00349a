"""The bytes of the log: what is packed parses, and what is altered does not."""

from __future__ import annotations

import struct

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongo.engine.log.format import (
    COMMIT,
    ENTRY_LAYOUT,
    FORMAT_VERSION,
    FRAME_HEADER_BYTES,
    FRAME_LAYOUT,
    HEADER_BYTES,
    HEADER_LAYOUT,
    MARK,
    MARK_LAYOUT,
    BadHeader,
    Entry,
    Frame,
    Header,
    entry,
    file_name,
    file_number,
    pack_frame,
    pack_header,
    parse_entries,
    parse_frame,
    parse_header,
)
from amongo.errors import ErrorCode, ServerError

LIMIT = 1 << 30
u64 = st.integers(0, 2**64 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
documents = st.dictionaries(st.text("abc", max_size=3), st.integers(-(2**31), 2**31 - 1), max_size=3).map(bson.encode)
entries = st.builds(Entry, u64, documents, st.lists(documents, max_size=4))


@given(u64, i64, st.sampled_from([COMMIT, MARK]), st.binary(max_size=300), st.binary(max_size=40))
def test_a_frame_parses_to_what_was_packed(sequence, wall_ms, kind, payload, before):
    content = before + pack_frame(sequence, wall_ms, kind, payload) + b"behind"
    frame = parse_frame(content, len(before), LIMIT)
    assert frame == Frame(sequence, wall_ms, kind, payload)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_a_frame_with_flipped_bits_does_not_parse(payload, data):
    raw = bytearray(pack_frame(7, 8, COMMIT, payload))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert isinstance(parse_frame(raw, 0, LIMIT), str)


@given(st.binary(max_size=50), st.data())
def test_a_part_of_a_frame_does_not_parse(payload, data):
    raw = pack_frame(7, 8, COMMIT, payload)
    part = raw[: data.draw(st.integers(0, len(raw) - 1))]
    assert isinstance(parse_frame(part, 0, LIMIT), str)


def test_a_frame_of_zeros_does_not_parse():
    assert isinstance(parse_frame(bytes(500), 0, LIMIT), str)


def test_a_frame_over_the_limit_does_not_parse():
    assert "limit" in parse_frame(pack_frame(7, 8, COMMIT, b"12345"), 0, 4)


@given(st.lists(entries, max_size=5))
def test_entries_parse_to_what_was_packed(given_entries):
    payload = b"".join(entry(*each) for each in given_entries)
    assert list(parse_entries(payload)) == given_entries
    assert list(Frame(1, 2, COMMIT, payload).entries()) == given_entries


ONE = entry(1, bson.encode({"op": "i"}), [bson.encode({"_id": 1})])


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("cut in the entry header", ONE[:7]),
        ("cut in the head", ONE[:20]),
        ("cut in a document", ONE[:-1]),
        ("a document too few", struct.pack("<QI", 1, 2) + ONE[12:]),
        ("bytes left over", ONE + b"\x01"),
        ("a document of length 4", ONE + struct.pack("<QI", 1, 0) + struct.pack("<i", 4) + b"\0" * 9),
        ("a document of negative length", ONE + struct.pack("<QI", 1, 0) + struct.pack("<i", -9) + b"\0" * 9),
    ],
)
def test_malformed_entries_are_refused(name, payload):
    with pytest.raises(ServerError) as caught:
        list(parse_entries(payload, 17))
    assert caught.value.code == ErrorCode.DataCorruptionDetected
    assert "sequence 17" in caught.value.message


@given(st.integers(1, 2**64 - 1), st.binary(min_size=16, max_size=16), u64, i64)
def test_a_header_parses_to_what_was_packed(number, uuid, first, created_ms):
    header = Header(FORMAT_VERSION, number, uuid, first, created_ms)
    assert parse_header(pack_header(header) + b"frames", "file") == header


def test_every_flipped_bit_of_a_header_is_noticed():
    raw = pack_header(Header(FORMAT_VERSION, 1, b"u" * 16, 1, 0))
    for bit in range(8 * len(raw)):
        altered = bytearray(raw)
        altered[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BadHeader):
            parse_header(bytes(altered), "file")


def test_a_newer_format_is_refused_by_both_versions():
    raw = pack_header(Header(FORMAT_VERSION + 41, 1, b"u" * 16, 1, 0))
    with pytest.raises(ServerError, match=rf"version {FORMAT_VERSION + 41} .* version {FORMAT_VERSION}:") as caught:
        parse_header(raw, "store/log/0000000001.log")
    assert caught.value.code == ErrorCode.UnsupportedFormat


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("0000000001.log", 1),
        ("1234567890.log", 1234567890),
        ("1.log", None),
        ("0000000001.log.old", None),
        ("x0000000001.log", None),
    ],
)
def test_file_names(name, number):
    assert file_number(name) == number
    assert number is None or file_name(number) == name


def test_layouts_have_the_sizes_of_format_version_1():
    """A change here is a new format version."""
    layouts = (HEADER_LAYOUT, FRAME_LAYOUT, MARK_LAYOUT, ENTRY_LAYOUT)
    assert [layout.struct().format for layout in layouts] == ["<8sIQ16sQq4s8s", "<8sIQqB", "<16sQQ", "<QI"]
    assert (HEADER_BYTES, FRAME_HEADER_BYTES) == (64, 29)
    assert (
        pack_frame(1 << 32 | 2, 3, COMMIT, b"x").hex() == "ecd8fa9ad25e043601000000020000000100000003000000000000000178"
    )
