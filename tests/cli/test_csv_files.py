"""CSV and TSV, by the rules of mongoimport."""

from __future__ import annotations

import io
import math
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from amongo.cli.transfer.csv_columns import auto, columns_of, split_fields
from amongo.cli.transfer.csv_input import CsvOptions, CsvReader
from amongo.cli.transfer.date_layouts import go_dates, microsoft_dates, oracle_dates
from amongo.cli.transfer.files import InputFile
from amongo.cli.transfer.malformed import MalformedInput
from amongo.cli.transfer.writer import CsvWriter
from amongo.values.codec import decode_foreign, encode


def rows(text: str | bytes, **options: Any) -> list[dict[str, Any]]:
    content = text.encode() if isinstance(text, str) else text
    reader = CsvReader(InputFile(io.BytesIO(content), "given", len(content)), CsvOptions(**options))
    return [decode_foreign(raw) for _, raw in reader]


AUTO = {
    "0": 0, "-5": -5, "+7": 7, "007": 7, "2147483647": 2147483647, "2147483648": Int64(2147483648),
    "-9223372036854775808": Int64(-(2**63)), "9223372036854775808": 9.223372036854775808e18, "1.5": 1.5, ".5": 0.5,
    "5.": 5.0, "1e3": 1000.0, "-1E-2": -0.01, "inf": math.inf, "-Infinity": -math.inf, "0x1p-2": 0.25, "": "",
    " 1": " 1",
    "1_000": "1_000", "1e400": "1e400", "0x10": "0x10", "true": "true", "-nan": "-nan", "\u0661": "\u0661",
    "1,5": "1,5",
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), AUTO.items(), ids=[text or "empty" for text in AUTO])
def test_types_are_inferred_as_by_go(text: str, value: Any) -> None:
    found = auto(text)
    assert (type(found), found) == (type(value), value)


def test_rows() -> None:
    assert rows('a,b.c,b.d\n1,x,"y, ""z"""\n\n2, 3,\r\n4\n5,6,7,8,9') == [
        {"a": 1, "b": {"c": "x", "d": 'y, "z"'}},
        {"a": 2, "b": {"c": 3, "d": ""}},
        {"a": 4},
        {"a": 5, "b": {"c": 6, "d": 7}, "field3": 8, "field4": 9},
    ]


def test_lines_within_quotes_and_a_byte_order_mark() -> None:
    assert rows(b'\xef\xbb\xbfa,b\n"x\ny",1\n') == [{"a": "x\ny", "b": 1}]


def test_named_columns_and_blanks() -> None:
    assert rows("1,,3\n", fields=["a", "b", "c"], ignores_blanks=True) == [{"a": 1, "c": 3}]
    assert rows("1,,3\n", fields=["a", "b", "c"]) == [{"a": 1, "b": "", "c": 3}]


def test_tabs() -> None:
    assert rows('a\tb\n1\t"x\n2\t\n', is_tab_separated=True) == [{"a": 1, "b": '"x'}, {"a": 2, "b": ""}]


def test_array_indexes() -> None:
    header = "a.0,a.1.b,c.0.0"
    assert rows(f"{header}\n1,2,3", uses_array_indexes=True) == [{"a": [1, {"b": 2}], "c": [[3]]}]
    assert rows(f"{header}\n1,2,3") == [{"a": {"0": 1, "1": {"b": 2}}, "c": {"0": {"0": 3}}}]


TYPED = {
    "auto()": ("5", 5),
    "string()": ("5", "5"),
    "int32()": ("5", 5),
    "int64()": ("5", Int64(5)),
    "double()": ("5", 5.0),
    "decimal()": ("5.10", Decimal128("5.10")),
    "boolean()": ("True", True),
    "binary(hex)": ("00ff", b"\x00\xff"),
    "binary(base64)": ("AP8=", b"\x00\xff"),
    "binary(base32)": ("AD7Q====", b"\x00\xff"),
    "date(2006-01-02)": ("2020-01-01", DatetimeMS(1577836800000)),
    "date_go(2006-01-02 15:04:05)": ("2020-01-01 00:00:01", DatetimeMS(1577836801000)),
    "date_ms(yyyy-MM-dd H:mm:ss)": ("2020-01-01 1:00:00", DatetimeMS(1577840400000)),
    "date_oracle(YYYY-MM-DD HH24:MI:SS)": ("2020-01-01 01:00:00", DatetimeMS(1577840400000)),
    r"date(\(2006\))": ("(2020)", DatetimeMS(1577836800000)),
}


@pytest.mark.parametrize(("kind", "case"), TYPED.items(), ids=TYPED)
def test_typed_columns(kind: str, case: tuple[str, Any]) -> None:
    (found,) = rows(f'"{case[0]}"\n', fields=[f"a.b.{kind}"], have_types=True)
    assert (type(found["a"]["b"]), found["a"]["b"]) == (type(case[1]), case[1])


NO_VALUES = {
    "int32()": "2147483648", "int64()": "x", "double()": "1e400", "decimal()": "1..", "boolean()": "yes",
    "binary(hex)": "0", "binary(base64)": "*", "date(2006-01-02)": "2020-13-01", "date_ms(dd)": "1",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "cell"), NO_VALUES.items(), ids=NO_VALUES)
def test_cells_of_another_type(kind: str, cell: str) -> None:
    options: dict[str, Any] = {"fields": [f"a.{kind}", "b.auto()"], "have_types": True}
    with pytest.raises(MalformedInput, match=r"given, line 1: column 'a' of type"):
        rows(f"{cell},1\n", **options)
    assert rows(f"{cell},1\n", grace="skipField", **options) == [{"b": 1}]
    assert rows(f"{cell},1\n", grace="skipRow", **options) == []
    assert rows(f"{cell},1\n", grace="autoCast", **options) == [{"a": auto(cell), "b": 1}]


BAD_HEADERS = {
    "no type": (["a"], True, "could not parse type"),
    "an unknown type": (["a.float()"], True, "invalid type 'float'"),
    "an argument": (["a.int32(5)"], True, "takes no argument"),
    "an unknown encoding": (["a.binary(rot13)"], True, "invalid binary encoding"),
    "twice": (["a", "a"], False, "cannot be identical"),
    "a document and a value": (["a", "a.b"], False, "incompatible"),
    "a dollar": (["$a"], False, "cannot start with"),
    "points": (["a..b"], False, "contain '..'"),
}


@pytest.mark.parametrize(("header", "have_types", "told"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_headers_that_are_refused(header: list[str], have_types: bool, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        columns_of(header, have_types=have_types, uses_array_indexes=False)


@pytest.mark.parametrize("header", [["a.1"], ["a.0", "a.2"], ["a.0", "a.b"]])
def test_array_indexes_that_are_refused(header: list[str]) -> None:
    with pytest.raises(ValueError, match=r"array index|incompatible"):
        columns_of(header, have_types=False, uses_array_indexes=True)


MALFORMED = {
    "an open quote": ('a\n1\n"x', "line 3"),
    "behind a quote": ('a\n"x"y\n', "line 2"),
    "no header": ("", "no header line"),
    "invalid UTF-8": (b"a\n\xff\n", "near byte 2"),
    "a column of the name": ("field1\n1,2\n", "which is a column"),
}


@pytest.mark.parametrize(("text", "told"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_files_say_where(text: str | bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as failure:
        rows(text)
    assert told in str(failure.value)


def test_commas_within_parentheses_do_not_divide() -> None:
    assert split_fields("a.date(2006,01),b") == ["a.date(2006,01)", "b"]


DATES = {
    "go": (go_dates, "Mon Jan _2 15:04:05.000 2006 -0700", "Wed Jan  1 02:00:00.5 2020 +0200", 1577836800500),
    "go, rfc 3339": (go_dates, "2006-01-02T15:04:05Z07:00", "2020-01-01T00:00:00Z", 1577836800000),
    "go, twelve hours": (go_dates, "1/2/06 3:04PM", "1/1/20 12:30am", 1577838600000),
    "microsoft": (microsoft_dates, "dddd, MMMM d yyyy hh:mm:ss.fff tt", "Wednesday, January 1 2020 01:00:00.250 pm",
                  1577883600250),
    "oracle": (oracle_dates, "DD-MON-YY HH:MI AM", "01-jan-20 12:00 PM", 1577880000000),
}  # fmt: skip


@pytest.mark.parametrize(("reader", "layout", "text", "milliseconds"), DATES.values(), ids=DATES)
def test_layouts_of_dates(reader: Any, layout: str, text: str, milliseconds: int) -> None:
    assert reader(layout)(text) == milliseconds
    with pytest.raises(ValueError, match="is no date"):
        reader(layout)(text + " ")


def test_what_is_written() -> None:
    file = io.BytesIO()
    writer = CsvWriter(file, ["_id", "a", "b.c", "d.0", "e", "f", "g", "h"])
    document = {"_id": ObjectId("0" * 24), "a": "x,y", "b": {"c": True}, "d": [Int64(5)], "e": {"k": [1, None]}}
    writer.add(encode(document | {"f": DatetimeMS(0), "g": None, "h": Decimal128("1.0")}))
    writer.add(encode({"a": 1.0, "e": Binary(b"\x00", 5)}))
    writer.end()
    assert file.getvalue().decode() == (
        "_id,a,b.c,d.0,e,f,g,h\n"
        f'ObjectId({"0" * 24}),"x,y",true,5,"{{""k"":[1,null]}}",1970-01-01T00:00:00Z,,1.0\n'
        ',1.0,,,"{""$binary"":{""base64"":""AA=="",""subType"":""05""}}",,,\n'
    )
