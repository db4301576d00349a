"""Frames: found by moving two ends and folded by taking in and giving back, against frames cut out from scratch."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from amongo.errors import ServerError
from amongo.mql.accumulators import parse_accumulation
from amongo.mql.expressions import FieldPath, Scope
from amongo.mql.expressions.quantiles import Quantiles
from amongo.mql.sort_keys import parse_sort
from amongo.mql.windows import WINDOW_FUNCTIONS, Partition, Setting, parse_window_function
from amongo.mql.windows.bounds import CURRENT, UNBOUNDED, DocumentBounds, RangeBounds
from amongo.mql.windows.frames import bind_frames
from amongo.mql.windows.held import (
    SlidingArrays,
    SlidingEnds,
    SlidingExtreme,
    SlidingExtremes,
    SlidingList,
    SlidingQuantiles,
    SlidingRange,
    SlidingSet,
    SlidingTop,
)
from amongo.mql.windows.moving import Sliding, slide
from amongo.mql.windows.sums import SlidingAverage, SlidingCovariance, SlidingDeviation, SlidingSum
from amongo.runtime.interrupts import NEVER, Interrupt, OperationInterrupted
from amongo.values.codec import encode
from amongo.values.missing import MISSING
from amongo.values.paths import field_path

ENDS = st.none() | st.integers(-4, 4)
OUTPUT = FieldPath(field_path("v"))


def partition(values: list[Any], interrupt: Interrupt = NEVER) -> Partition:
    """Documents with `v` (none for MISSING), numbered by `_id`."""
    documents = [{"_id": place, **({} if value is MISSING else {"v": value})} for place, value in enumerate(values)]
    return Partition(documents, {}, interrupt)


def frame_of(values: list[Any], place: int, lower: int | None, upper: int | None) -> list[Any]:
    """What a window holds, cut out."""
    start = 0 if lower is None else max(place + lower, 0)
    end = len(values) if upper is None else max(place + upper + 1, 0)
    return values[start:end]


NUMBERS = st.integers(-50, 50)
ANY = st.one_of(NUMBERS, st.floats(-9, 9), st.just(MISSING), st.none(), st.text("ab", max_size=2), st.booleans())
PAIRS = st.tuples(st.binary(max_size=1), NUMBERS)
MAKERS: list[tuple[str, Callable[[], Sliding], st.SearchStrategy[Any]]] = [
    ("sum", SlidingSum, NUMBERS),
    ("sum across types", SlidingSum, st.one_of(NUMBERS, NUMBERS.map(Int64), NUMBERS.map(float), st.none())),
    ("sum of decimals", SlidingSum, st.one_of(NUMBERS, NUMBERS.map(lambda n: Decimal128(Decimal(n))))),
    ("sum with infinities", SlidingSum, st.sampled_from([1, 2.5, math.inf, -math.inf, Decimal128("Infinity"), "x"])),
    ("average", SlidingAverage, st.one_of(NUMBERS, st.none())),
    ("min", lambda: SlidingExtreme(None, is_max=False), ANY),
    ("max", lambda: SlidingExtreme(None, is_max=True), ANY),
    ("min n", lambda: SlidingExtremes(2, None, is_max=False), ANY),
    ("max n", lambda: SlidingExtremes(2, None, is_max=True), ANY),
    ("first n", lambda: SlidingEnds(2, is_last=False), ANY),
    ("last n", lambda: SlidingEnds(2, is_last=True), ANY),
    ("top n", lambda: SlidingTop(2, is_bottom=False, is_single=False), PAIRS),
    ("bottom n", lambda: SlidingTop(2, is_bottom=True, is_single=False), PAIRS),
    ("bottom", lambda: SlidingTop(1, is_bottom=True, is_single=True), PAIRS),
    ("list", SlidingList, ANY),
    ("set", lambda: SlidingSet(None), ANY),
    ("union", lambda: SlidingSet(None, of_arrays=True), st.lists(ANY.filter(lambda value: value is not MISSING))),
    ("arrays", SlidingArrays, st.one_of(st.just(MISSING), st.lists(NUMBERS))),
    ("percentiles", lambda: SlidingQuantiles(Quantiles(OUTPUT, (0.0, 0.5, 0.9), False)), ANY),
    ("range", SlidingRange, NUMBERS),
]


@pytest.mark.parametrize(("name", "make", "values"), MAKERS, ids=[case[0] for case in MAKERS])
@settings(max_examples=25)
@given(data=st.data(), lower=ENDS, upper=ENDS)
def test_sliding_is_folding_from_scratch(
    name: str, make: Callable[[], Sliding], values: st.SearchStrategy[Any], data: st.DataObject, lower: Any, upper: Any
) -> None:
    """Taking in and giving back leaves the fold as if it had begun with the frame."""
    if lower is not None and upper is not None and lower > upper:
        lower, upper = upper, lower
    items = data.draw(st.lists(values, max_size=12))
    fold = make()
    frames = bind_frames(DocumentBounds(lower, upper), None)

    def scratch(frame: list[Any]) -> Any:
        state = make()
        for item in frame:
            state.add(item)
        return state.result()

    def item_of(document: dict[str, Any], variables: Any) -> Any:
        return document.get("v", MISSING)

    results = list(slide(partition(items), frames, item_of, lambda: fold))
    expected = [scratch(frame_of(items, place, lower, upper)) for place in range(len(items))]
    assert [alike(result) for result in results] == [alike(value) for value in expected]


def alike(value: Any) -> Any:
    """A value as bytes, so that types count and NaN is itself."""
    return encode({"": list(value) if type(value) is tuple else value})


@settings(max_examples=40)
@given(st.lists(NUMBERS, max_size=12), ENDS, ENDS)
def test_deviations_are_close(items: list[int], lower: Any, upper: Any) -> None:
    """Rounding apart, the deviation of a frame is that of its numbers."""
    if lower is not None and upper is not None and lower > upper:
        lower, upper = upper, lower
    frames = bind_frames(DocumentBounds(lower, upper), None)
    results = slide(
        partition(items), frames, lambda document, _: document["v"], lambda: SlidingDeviation(is_sample=True)
    )
    for place, result in enumerate(results):
        frame = frame_of(items, place, lower, upper)
        if len(frame) < 2:
            assert result is None
        else:
            mean = sum(frame) / len(frame)
            exact = math.sqrt(sum((item - mean) ** 2 for item in frame) / (len(frame) - 1))
            assert result == pytest.approx(exact, abs=1e-6)


@settings(max_examples=40)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=12), st.integers(-4, 0), st.integers(0, 4))
def test_covariances_are_close(items: list[tuple[int, int]], lower: int, upper: int) -> None:
    frames = bind_frames(DocumentBounds(lower, upper), None)
    pairs = [list(item) for item in items]
    results = slide(
        partition(pairs), frames, lambda document, _: document["v"], lambda: SlidingCovariance(is_sample=False)
    )
    for place, result in enumerate(results):
        frame = frame_of(pairs, place, lower, upper)
        left, right = (sum(pair[side] for pair in frame) / len(frame) for side in (0, 1))
        exact = sum((pair[0] - left) * (pair[1] - right) for pair in frame) / len(frame)
        assert result == pytest.approx(exact, abs=1e-6)


BOUNDS = st.one_of(st.just(UNBOUNDED), st.just(CURRENT), st.integers(-5, 5), st.sampled_from([0.5, -1.5]))


@settings(max_examples=40)
@given(st.lists(st.one_of(st.integers(0, 9), st.sampled_from([0.5, 2.5])), max_size=12), BOUNDS, BOUNDS)
def test_range_frames_are_those_within(items: list[Any], lower: Any, upper: Any) -> None:
    """A range frame holds the documents whose value lies within the bounds around the current one."""
    least, most = (0 if bound is CURRENT else bound for bound in (lower, upper))
    if UNBOUNDED not in (least, most) and least > most:
        return
    items = sorted(items)
    frames = list(bind_frames(RangeBounds(lower, upper), OUTPUT)(partition(items)))
    for current, (start, end) in enumerate(frames):
        places = range(len(items))
        if lower is CURRENT:
            places = range(current, len(items))
        if upper is CURRENT:
            places = range(places.start, current + 1)
        base = items[current]
        inside = [
            place
            for place in places
            if (lower in (UNBOUNDED, CURRENT) or items[place] >= base + lower)
            and (upper in (UNBOUNDED, CURRENT) or items[place] <= base + upper)
        ]
        assert list(range(start, end)) == inside


def test_ends_never_go_back() -> None:
    items = [DatetimeMS(day * 86_400_000) for day in (0, 0, 1, 5, 5, 9)]
    frames = list(bind_frames(RangeBounds(-1, 1, "day"), OUTPUT)(partition(items)))
    assert frames == [(0, 3), (0, 3), (0, 3), (3, 5), (3, 5), (5, 6)]


def test_every_document_is_taken_in_and_given_back_once() -> None:
    """The time is that of the partition, however wide the frame."""
    calls = {"add": 0, "remove": 0}

    class Counted(SlidingSum):
        def add(self, value: Any) -> None:
            calls["add"] += 1
            super().add(value)

        def remove(self, value: Any) -> None:
            calls["remove"] += 1
            super().remove(value)

    frames = bind_frames(DocumentBounds(-500, 500), None)
    assert len(list(slide(partition([1] * 2000), frames, lambda document, _: document["v"], Counted))) == 2000
    assert calls == {"add": 2000, "remove": 1499}


def run(spec: dict[str, Any], values: list[Any], sort: dict[str, Any] | None = None) -> list[Any]:
    """What a window function gives for a partition."""
    setting = Setting(Scope(), parse_sort(sort or {"_id": 1}))
    return list(parse_window_function("f", spec, setting).bind()(partition(values)))


@pytest.mark.parametrize("name", ["$sum", "$avg", "$min", "$max", "$push", "$addToSet"])
@settings(max_examples=40)
@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_a_whole_window_is_a_group(name: str, values: list[int]) -> None:
    """Over a whole partition a window function gives what the accumulator gives a group."""
    accumulation = parse_accumulation("f", {name: "$v"}, Scope())
    evaluate, state = accumulation.bind(), accumulation.create(None, {})
    for document in partition(values).documents:
        state.add(evaluate(document, {}))
    assert run({name: "$v"}, values) == [state.result()] * len(values)


def test_a_stopped_operation_ends_within_its_frames() -> None:
    """Every function looks up while it goes through a partition."""
    specs: dict[str, dict[str, Any]] = {
        "$covariancePop": {"$covariancePop": ["$_id", "$v"]},
        "$covarianceSamp": {"$covarianceSamp": ["$_id", "$v"]},
        "$concatArrays": {"$concatArrays": "$a"},
        "$setUnion": {"$setUnion": "$a"},
        "$count": {"$count": {}},
        "$median": {"$median": {"input": "$v", "method": "approximate"}},
        "$percentile": {"$percentile": {"input": "$v", "p": [0.5], "method": "approximate"}},
        "$shift": {"$shift": {"output": "$v", "by": 1}},
        "$derivative": {"$derivative": {"input": "$v"}, "window": {"documents": [-1, 0]}},
        "$integral": {"$integral": {"input": "$v"}},
        "$expMovingAvg": {"$expMovingAvg": {"input": "$v", "N": 2}},
        "$minMaxScaler": {"$minMaxScaler": {"input": "$v"}},
        **{name: {name: {}} for name in ("$rank", "$denseRank", "$documentNumber")},
        **{name: {name: {"input": "$v", "n": 2}} for name in ("$firstN", "$lastN", "$minN", "$maxN")},
        **{name: {name: {"output": "$v", "sortBy": {"v": 1}}} for name in ("$top", "$bottom")},
        **{name: {name: {"output": "$v", "sortBy": {"v": 1}, "n": 1}} for name in ("$topN", "$bottomN")},
    }
    setting = Setting(Scope(), parse_sort({"_id": 1}))
    for name in WINDOW_FUNCTIONS:
        interrupt = Interrupt()
        running = parse_window_function("f", specs.get(name, {name: "$v"}), setting).bind()(
            partition([1] * 1000, interrupt)
        )
        next(running)
        interrupt.stop()
        with pytest.raises(OperationInterrupted):
            list(running)


def test_long_frames_are_left_in_the_middle() -> None:
    interrupt = Interrupt()
    interrupt.stop()
    frames = bind_frames(DocumentBounds(0, None), None)
    with pytest.raises(OperationInterrupted):
        next(slide(partition([1] * 1000, interrupt), frames, lambda document, _: document["v"], SlidingSum))


RANGE_ERRORS: list[tuple[str, list[Any], dict[str, Any], int]] = [
    ("a string is no place", [1, "x"], {"range": [-1, 1]}, 5429414),
    ("null is no place", [None], {"range": [-1, 1]}, 5429414),
    ("dates need a unit", [DatetimeMS(0)], {"range": [-1, 1]}, 5429413),
    ("a unit needs dates", [1], {"range": [-1, 1], "unit": "day"}, 5429513),
]


@pytest.mark.parametrize(("name", "values", "window", "code"), RANGE_ERRORS, ids=[case[0] for case in RANGE_ERRORS])
def test_range_errors(name: str, values: list[Any], window: dict[str, Any], code: int) -> None:
    with pytest.raises(ServerError) as caught:
        run({"$sum": 1, "window": window}, values, {"v": 1})
    assert caught.value.code == code
