"""Extended JSON: every BSON type there and back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bson import Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import example, given

from amongo.cli.transfer.extended_json import DECODER, NoExtendedJson, milliseconds_of, text_of
from amongo.cli.transfer.malformed import Unwritable
from amongo.values.codec import decode_foreign, encode
from tests.cli.drawn_documents import DOCUMENTS


@given(DOCUMENTS)
@example({"a": {"$ref": "b", "$id": 1, "x": 2}})
@example({"a": -0.0, "b": 1e300, "c": 5e-324})
def test_canonical_text_gives_the_same_bytes(document: dict[str, Any]) -> None:
    raw = encode(document)
    text = text_of(decode_foreign(raw), is_canonical=True).decode()
    assert encode(DECODER.decode(text)) == raw


@given(DOCUMENTS)
def test_relaxed_text_gives_what_canonical_text_gives_but_for_the_types_of_numbers(document: dict[str, Any]) -> None:
    decoded = decode_foreign(encode(document))
    again = DECODER.decode(text_of(decoded, is_canonical=False).decode())
    assert text_of(again, is_canonical=False) == text_of(decoded, is_canonical=False)


RELAXED = {
    "numbers": ({"a": 1, "b": Int64(2**40), "c": 1.0, "d": 0.5}, '{"a":1,"b":1099511627776,"c":1.0,"d":0.5}'),
    "no number of JSON": ({"a": float("-inf")}, '{"a":{"$numberDouble":"-Infinity"}}'),
    "date": ({"a": DatetimeMS(1577836800123)}, '{"a":{"$date":"2020-01-01T00:00:00.123Z"}}'),
    "date before 1970": ({"a": DatetimeMS(-1)}, '{"a":{"$date":{"$numberLong":"-1"}}}'),
    "date after 9999": ({"a": DatetimeMS(253402300800000)}, '{"a":{"$date":{"$numberLong":"253402300800000"}}}'),
}


@pytest.mark.parametrize(("document", "text"), RELAXED.values(), ids=RELAXED)
def test_relaxed_text(document: dict[str, Any], text: str) -> None:
    assert text_of(document, is_canonical=False).decode() == text


MALFORMED = {
    "oid": '{"a": {"$oid": "zz"}}',
    "oid of a number": '{"a": {"$oid": 1}}',
    "int past 32 bits": '{"a": {"$numberInt": "2147483648"}}',
    "long that is no number": '{"a": {"$numberLong": "1.5"}}',
    "double that is no number": '{"a": {"$numberDouble": "x"}}',
    "decimal": '{"a": {"$numberDecimal": "x"}}',
    "decimal of too many digits": '{"a": {"$numberDecimal": "1.00000000000000000000000000000000001"}}',
    "date": '{"a": {"$date": "yesterday"}}',
    "date that is none": '{"a": {"$date": "2020-02-30T00:00:00Z"}}',
    "binary": '{"a": {"$binary": {"base64": "====", "subType": "00"}}}',
    "binary without a subtype": '{"a": {"$binary": {"base64": ""}}}',
    "uuid": '{"a": {"$uuid": "1"}}',
    "timestamp": '{"a": {"$timestamp": {"t": -1, "i": 0}}}',
    "regular expression": '{"a": {"$regularExpression": {"pattern": "", "options": "q"}}}',
    "pointer": '{"a": {"$dbPointer": {"$ref": "a", "$id": 1}}}',
    "twice the same field": '{"a": 1, "a": 2}',
    "a null character in a name": '{"a\\u0000b": 1}',
    "NaN": '{"a": NaN}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_wrappers_are_refused(text: str) -> None:
    with pytest.raises(NoExtendedJson):
        DECODER.decode(text)


KNOWN = {
    "legacy binary": ('{"$binary": "AQ==", "$type": "05"}', '{"$binary":{"base64":"AQ==","subType":"05"}}'),
    "uuid": (
        '{"$uuid": "00112233-4455-6677-8899-aabbccddeeff"}',
        '{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}',
    ),
    "date with an offset": ('{"$date": "2020-01-01T02:00:00.5+02:00"}', '{"$date":{"$numberLong":"1577836800500"}}'),
    "date of milliseconds": ('{"$date": 5}', '{"$date":{"$numberLong":"5"}}'),
    "int64": ("5000000000", '{"$numberLong":"5000000000"}'),
    "past int64": ("1" + "0" * 30, '{"$numberDouble":"1e+30"}'),
    "an operator is no wrapper": ('{"$gt": 1}', '{"$gt":{"$numberInt":"1"}}'),
}


@pytest.mark.parametrize(("text", "canonical"), KNOWN.values(), ids=KNOWN)
def test_other_ways_to_write_a_value(text: str, canonical: str) -> None:
    assert text_of(DECODER.decode(text), is_canonical=True).decode() == canonical


@pytest.mark.parametrize("name", ["$oid", "$date", "$numberLong", "$minKey", "$symbol"])
def test_data_that_looks_like_a_type_is_refused(name: str) -> None:
    with pytest.raises(Unwritable, match="cannot be told from a type"):
        text_of({"a": [{name: "x"}]}, is_canonical=True)


@pytest.mark.parametrize("text", ["2020-01-01", "2020-01-01T00:00Z", "2020-01-01T00:00:00.000000000+0000"])
def test_dates_may_leave_things_out(text: str) -> None:
    assert milliseconds_of(text) == 1577836800000


def test_what_is_written_is_json() -> None:
    assert json.loads(text_of({"_id": ObjectId("0" * 24)}, is_canonical=True)) == {"_id": {"$oid": "0" * 24}}
