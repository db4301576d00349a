"""How BSON values are written as JSON: every type has its line in the tables, and the guide shows the same."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, json_util
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument
from hypothesis import given
from hypothesis import strategies as st

from amongo.integrations.bson_json import encode_json

ID = ObjectId("65f0c0ffee0ddf00d0000001")
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "web.md"

# (name, value, plain JSON, relaxed Extended JSON)
TYPES: list[tuple[str, Any, str, str]] = [
    ("null", None, "null", "null"),
    ("bool", True, "true", "true"),
    ("int", 7, "7", "7"),
    ("long", Int64(2**40), "1099511627776", "1099511627776"),
    ("double", 1.5, "1.5", "1.5"),
    ("double, not finite", float("nan"), "null", '{"$numberDouble":"NaN"}'),
    ("decimal", Decimal128("1.10"), '"1.10"', '{"$numberDecimal":"1.10"}'),
    ("string", "é\n", '"é\\n"', '"é\\n"'),
    ("objectId", ID, '"65f0c0ffee0ddf00d0000001"', '{"$oid":"65f0c0ffee0ddf00d0000001"}'),
    (
        "date",
        datetime(2013, 1, 1, 10, tzinfo=UTC),
        '"2013-01-01T10:00:00Z"',
        '{"$date":"2013-01-01T10:00:00Z"}',
    ),
    ("binary", b"\x00\xff", '"AP8="', '{"$binary":{"base64":"AP8=","subType":"00"}}'),
    (
        "binary, UUID",
        Binary.from_uuid(UUID),
        f'"{UUID}"',
        '{"$binary":{"base64":"EjRWeBI0VngSNFZ4EjRWeA==","subType":"04"}}',
    ),
    ("regex", Regex("^a", "im"), '"/^a/im"', '{"$regularExpression":{"pattern":"^a","options":"im"}}'),
    ("timestamp", Timestamp(5, 6), '{"t":5,"i":6}', '{"$timestamp":{"t":5,"i":6}}'),
    ("minKey", MinKey(), '"MinKey"', '{"$minKey":1}'),
    ("maxKey", MaxKey(), '"MaxKey"', '{"$maxKey":1}'),
    ("javascript", Code("f()"), '"f()"', '{"$code":"f()"}'),
    (
        "DBRef",
        DBRef("c", ID),
        '{"$ref":"c","$id":"65f0c0ffee0ddf00d0000001"}',
        '{"$ref":"c","$id":{"$oid":"65f0c0ffee0ddf00d0000001"}}',
    ),
    ("object", {"b": {"a": 1}}, '{"b":{"a":1}}', '{"b":{"a":1}}'),
    ("array", [1, ["x"]], '[1,["x"]]', '[1,["x"]]'),
]


@pytest.mark.parametrize(("name", "value", "plain", "extended"), TYPES, ids=[case[0] for case in TYPES])
def test_every_type(name: str, value: Any, plain: str, extended: str) -> None:
    assert encode_json({"v": value}).decode() == f'{{"v":{plain}}}'
    assert encode_json({"v": value}, is_extended=True).decode() == f'{{"v":{extended}}}'


@pytest.mark.parametrize(("name", "value", "plain", "extended"), TYPES, ids=[case[0] for case in TYPES])
def test_the_guide_shows_every_type(name: str, value: Any, plain: str, extended: str) -> None:
    assert f"| {name} | `{plain}` | `{extended}` |" in GUIDE.read_text(encoding="utf-8")


OTHER_VALUES: list[tuple[str, Any, str]] = [
    ("naive datetime is UTC", datetime(2013, 1, 1), '"2013-01-01T00:00:00Z"'),
    ("milliseconds", datetime(2013, 1, 1, 0, 0, 0, 123000), '"2013-01-01T00:00:00.123000Z"'),
    ("another zone is the same moment", datetime(2013, 1, 1, tzinfo=timezone(timedelta(hours=2))), None),
    ("DatetimeMS", DatetimeMS(0), '"1970-01-01T00:00:00Z"'),
    ("last date of datetime", DatetimeMS(253_402_300_799_999), '"9999-12-31T23:59:59.999000Z"'),
    ("the year 10000", DatetimeMS(253_402_300_800_000), '"+010000-01-01T00:00:00.000Z"'),
    ("the year 0", DatetimeMS(-62_135_596_800_001), '"+000000-12-31T23:59:59.999Z"'),
    ("before the year 0", DatetimeMS(-62_198_755_200_000), '"-000001-01-01T00:00:00.000Z"'),
    ("the last date of JavaScript", DatetimeMS(8_640_000_000_000_000), '"+275760-09-13T00:00:00.000Z"'),
    ("the last date of BSON", DatetimeMS(2**63 - 1), '"+292278994-08-17T07:12:55.807Z"'),
    ("legacy UUID", Binary(UUID.bytes, 3), '"EjRWeBI0VngSNFZ4EjRWeA=="'),
    ("a UUID that is too short", Binary(b"ab", 4), '"YWI="'),
    ("native UUID", UUID, f'"{UUID}"'),
    ("infinity", float("-inf"), "null"),
    ("raw document", RawBSONDocument(bson.encode({"_id": ID})), '{"_id":"65f0c0ffee0ddf00d0000001"}'),
    ("ordered subclass", bson.SON([("z", 1), ("a", ID)]), '{"z":1,"a":"65f0c0ffee0ddf00d0000001"}'),
]


@pytest.mark.parametrize(("name", "value", "expected"), OTHER_VALUES, ids=[case[0] for case in OTHER_VALUES])
def test_plain_values(name: str, value: Any, expected: str | None) -> None:
    written = encode_json(value).decode()
    if expected is not None:
        assert written == expected
    else:
        assert datetime.fromisoformat(json.loads(written)) == value


def test_what_is_not_bson_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        encode_json({"v": object()})
    with pytest.raises(TypeError):
        encode_json({"v": {1, 2}})


@given(st.integers(min_value=-(2**63), max_value=2**63 - 1))
def test_dates_of_any_year(millis: int) -> None:
    """The written date is compared with one 400 years nearer to 1970, until `datetime` can say what it is."""
    written = re.fullmatch(
        r"([+-]?\d{4,})-(\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*Z", json.loads(encode_json(DatetimeMS(millis)))
    )
    assert written is not None
    near = millis
    while not -62_135_596_800_000 <= near <= 253_402_300_799_999:
        step = max(1, abs(near) // (146_097 * 86_400_000) - 4)
        near += -step * 146_097 * 86_400_000 if near > 0 else step * 146_097 * 86_400_000
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=near)
    assert (int(written[1]) - moment.year) % 400 == 0
    assert (int(written[1]) > moment.year) == (millis > near)
    assert written[2] == moment.strftime("%m-%dT%H:%M:%S")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.sampled_from(
        [ID, Decimal128("-0E+3"), Regex("a/b", "x"), Timestamp(1, 2), MinKey(), MaxKey(), Binary(b"x", 5)]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4))
def test_extended_json_reads_back(document: dict[str, Any]) -> None:
    assert json_util.loads(encode_json(document, is_extended=True)) == document


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, max_size=4))
def test_plain_json_is_json(document: dict[str, Any]) -> None:
    written = encode_json(document)
    assert b"\n" not in written
    assert list(json.loads(written)) == list(document)
