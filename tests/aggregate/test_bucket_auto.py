"""$bucketAuto: where it cuts, and the series that its boundaries are rounded to."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from amongo.aggregate import Environment, parse_pipeline
from amongo.aggregate.stages.granularity import POWERS_OF_TWO, SERIES, granularity
from amongo.errors import ServerError


def buckets(values: list[Any], **spec: Any) -> list[dict[str, Any]]:
    """The buckets of documents with these values."""
    documents = [{"_id": number, "x": value} for number, value in enumerate(values)]
    environment = Environment("test", lambda database, collection: ())
    stage = {"$bucketAuto": {"groupBy": "$x", **spec}}
    return list(parse_pipeline([stage]).run(documents, environment))


def shape(found: list[dict[str, Any]]) -> list[tuple[Any, Any, int]]:
    """(min, max, count) of each bucket."""
    return [(each["_id"]["min"], each["_id"]["max"], each["count"]) for each in found]


CASES: list[tuple[str, list[Any], dict[str, Any], list[tuple[Any, Any, int]]]] = [
    ("even", [4, 2, 3, 1], {"buckets": 2}, [(1, 3, 2), (3, 4, 2)]),
    ("a half is rounded up", [1, 2, 3, 4, 5], {"buckets": 2}, [(1, 4, 3), (4, 5, 2)]),
    ("equal values stay together", [1, 1, 1, 1, 2], {"buckets": 3}, [(1, 2, 4), (2, 2, 1)]),
    ("more buckets than values", [1, 2], {"buckets": 9}, [(1, 2, 1), (2, 2, 1)]),
    ("nothing", [], {"buckets": 2}, []),
    ("types in their order", ["a", None, 3], {"buckets": 3}, [(None, 3, 1), (3, "a", 1), ("a", "a", 1)]),
    (
        "by R20",
        list(range(100)),
        {"buckets": 5, "granularity": "R20"},
        [(0, 20.0, 20), (20.0, 40.0, 20), (40.0, 63.0, 23), (63.0, 90.0, 27), (90.0, 100.0, 10)],
    ),
    (
        "by E24",
        list(range(100)),
        {"buckets": 5, "granularity": "E24"},
        [(0, 20.0, 20), (20.0, 43.0, 23), (43.0, 68.0, 25), (68.0, 91.0, 23), (91.0, 100.0, 9)],
    ),
    (
        "by 1-2-5",
        list(range(100)),
        {"buckets": 5, "granularity": "1-2-5"},
        [(0, 20.0, 20), (20.0, 50.0, 30), (50.0, 100.0, 50)],
    ),
    (
        "zeros end where the series goes on",
        [0, 0, 5, 7],
        {"buckets": 2, "granularity": "R5"},
        [(0, 4.0, 2), (4.0, 10.0, 2)],
    ),
]


@pytest.mark.parametrize(("name", "values", "spec", "expected"), CASES, ids=[case[0] for case in CASES])
def test_where_it_cuts(
    name: str, values: list[Any], spec: dict[str, Any], expected: list[tuple[Any, Any, int]]
) -> None:
    assert shape(buckets(values, **spec)) == expected


def test_the_output_and_its_order() -> None:
    assert buckets([3, 1, 2], buckets=1, output={"all": {"$push": "$x"}, "none": {"$first": "$nope"}}) == [
        {"_id": {"min": 1, "max": 3}, "all": [1, 2, 3], "none": None}
    ]


REFUSED: list[tuple[str, Any, int]] = [
    ("no object", 1, 40240),
    ("group by a constant", {"groupBy": "x", "buckets": 1}, 40239),
    ("group by an object", {"groupBy": {"a": "$x"}, "buckets": 1}, 40239),
    ("buckets of text", {"groupBy": "$x", "buckets": "1"}, 40241),
    ("half a bucket", {"groupBy": "$x", "buckets": 0.5}, 40242),
    ("no bucket", {"groupBy": "$x", "buckets": 0}, 40243),
    ("output", {"groupBy": "$x", "buckets": 1, "output": []}, 40244),
    ("unknown", {"groupBy": "$x", "buckets": 1, "step": 1}, 40245),
    ("nothing to group by", {"buckets": 1}, 40246),
    ("unknown series", {"groupBy": "$x", "buckets": 1, "granularity": "R6"}, 40257),
    ("series that is no text", {"groupBy": "$x", "buckets": 1, "granularity": 6}, 40261),
]


@pytest.mark.parametrize(("name", "spec", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, spec: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        parse_pipeline([{"$bucketAuto": spec}])
    assert caught.value.code == code


@pytest.mark.parametrize(("value", "code"), [("a", 40258), (None, 40258), (float("nan"), 40259), (-1, 40260)])
def test_what_cannot_be_rounded(value: Any, code: int) -> None:
    with pytest.raises(ServerError) as caught:
        buckets([value], buckets=1, granularity="R5")
    assert caught.value.code == code


def test_the_series_have_as_many_numbers_as_their_names_say() -> None:
    for name, series in SERIES.items():
        assert len(series) == (3 if name == "1-2-5" else int(name[1:]))
        assert list(series) == sorted(set(series))
        assert series[-1] < 10 * series[0]


@given(st.sampled_from([*SERIES, POWERS_OF_TWO]), st.floats(1e-9, 1e15))
def test_rounding_goes_to_the_neighbours(name: str, value: float) -> None:
    series = granularity(name)
    assert series is not None
    above, below = series.up(value), series.down(value)
    assert below < value < above
    assert series.up(below * 1.000001) == pytest.approx(above) or series.up(below * 1.000001) == pytest.approx(value)


def test_a_decimal_stays_one() -> None:
    for name in (*SERIES, POWERS_OF_TWO):
        series = granularity(name)
        assert series is not None
        assert type(series.up(Decimal128("0.7"))) is Decimal128
        assert series.down(Decimal128(Decimal(0))) == Decimal128("0")


@given(st.lists(st.integers(-5, 5), max_size=40), st.integers(1, 12))
def test_every_document_falls_into_one_bucket(values: list[int], count: int) -> None:
    found = shape(buckets(values, buckets=count))
    assert len(found) <= count
    assert sum(each[2] for each in found) == len(values)
    for left, right in pairwise(found):
        assert left[0] < left[1] == right[0]
        assert left[2] == sum(left[0] <= value < left[1] for value in values)
