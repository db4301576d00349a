"""Random documents and random pipelines of the stages that keep, reshape and multiply documents."""

from __future__ import annotations

from typing import Any

from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import strategies as st

Document = dict[str, Any]

SCALARS: list[Any] = [
    *(0, 1, 2, -1, 2**31 - 1, Int64(0), Int64(1), Int64(2**63 - 1), Int64(-(2**63)), Int64(2**53 + 1)),
    *(0.0, -0.0, 1.0, 1.5, float("nan"), float("inf"), float("-inf"), 2.0**53, 1e300),
    *("", "x", "y", "it's", 'quo"te', "nul\0", "é", "𝄞", "{}"),
    *(None, None, True, False, DatetimeMS(0), DatetimeMS(-62135596800000), DatetimeMS(253402300799999)),
    *(ObjectId(b"\0" * 12), ObjectId(b"\1" * 12), Decimal128("1"), Timestamp(1, 2), MinKey(), MaxKey(), Regex("x")),
]
FEW: list[Any] = [0, 1, 2, Int64(1), 1.0, -0.0, "x", "y", None]


def scalars() -> st.SearchStrategy[Any]:
    """Of a few values often, of all kinds sometimes."""
    return st.one_of(st.sampled_from(FEW), st.sampled_from(FEW), st.sampled_from(SCALARS))


def _fields(values: st.SearchStrategy[Any], names: str) -> st.SearchStrategy[Document]:
    fields = st.lists(st.tuples(st.sampled_from(list(names)), values), max_size=3)
    return fields.map(lambda pairs: dict(dict.fromkeys(name for name, _ in pairs), **dict(pairs)))


@st.composite
def collections(draw: st.DrawFn, most: int = 6) -> list[Document]:
    """Documents; in most collections each field has values of one kind, or is missing."""
    kinds = {name: draw(st.sampled_from(("few", "few", "one", "any", "document", "array", "mixed"))) for name in "abc"}
    one = {name: draw(st.sampled_from(("x", 1, 1.5, Int64(7), DatetimeMS(5)))) for name in "abc"}
    inner = _fields(st.sampled_from(FEW), "pq")
    found = []
    for number in range(draw(st.integers(0, most))):
        document: Document = {"_id": number}
        for name in draw(st.permutations(list("abci"))):
            if draw(st.integers(0, 4)) == 0:
                continue
            document[name] = draw(_values(kinds.get(name, "documents"), one.get(name), inner))
        found.append(document)
    return found


def _values(kind: str, one: Any, inner: st.SearchStrategy[Document]) -> st.SearchStrategy[Any]:
    match kind:
        case "few":
            return st.sampled_from(FEW)
        case "one":
            return st.just(one)
        case "any":
            return scalars()
        case "document":
            return inner
        case "array":
            return st.lists(st.sampled_from(FEW), max_size=3)
        case "documents":
            return st.one_of(st.lists(inner, max_size=3), st.lists(inner, max_size=3), st.none())
    return st.one_of(scalars(), inner, st.lists(scalars(), max_size=2), st.lists(inner, max_size=2))


PATHS = ("a", "b", "c", "i", "a.p", "b.q", "i.p", "i.q", "_id", "x", "x.p", "y", "a.x")


def paths() -> st.SearchStrategy[str]:
    """Paths that documents may have, and some that stages may have made."""
    return st.sampled_from(PATHS)


def _computed() -> st.SearchStrategy[Any]:
    return st.one_of(
        paths().map(lambda path: "$" + path),
        paths().map(lambda path: "$" + path),
        scalars().map(lambda value: {"$literal": value}),
        st.tuples(paths(), paths()).map(lambda two: {"p": "$" + two[0], "q": "$" + two[1]}),
    )


def _specification(value: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[Document]:
    return st.lists(st.tuples(paths(), value), min_size=least, max_size=3).map(dict)


def _unwind() -> st.SearchStrategy[Document]:
    options = st.fixed_dictionaries(
        {"path": st.sampled_from(("$i", "$a", "$b", "$c", "$a.p", "$x"))},
        optional={"preserveNullAndEmptyArrays": st.booleans(), "includeArrayIndex": st.sampled_from(("y", "x", "a.x"))},
    )
    return options.map(lambda spec: {"$unwind": spec})


def lookups() -> st.SearchStrategy[list[Document]]:
    """$lookup of the collection "o", some with the $unwind of its array."""
    spec = st.fixed_dictionaries(
        {
            "from": st.just("o"),
            "localField": paths(),
            "foreignField": st.sampled_from(("_id", "a", "b", "c", "a.p")),
            "as": st.sampled_from(("x", "y", "a", "a.x")),
        }
    )

    def stages(found: tuple[Document, int]) -> list[Document]:
        lookup, kind = found
        unwind = {"path": "$" + lookup["as"], "preserveNullAndEmptyArrays": kind == 2}
        return [{"$lookup": lookup}, {"$unwind": unwind}][: 2 if kind else 1]

    return st.tuples(spec, st.integers(0, 2)).map(stages)


def plain_stages() -> st.SearchStrategy[list[Document]]:
    """One stage that needs no other collection."""
    shown = st.sampled_from((1, True))
    return st.one_of(
        _specification(shown).map(lambda spec: [{"$project": spec}]),
        _specification(st.just(0)).map(lambda spec: [{"$project": spec}]),
        _specification(st.one_of(shown, _computed(), _computed())).map(lambda spec: [{"$project": {"_id": 0, **spec}}]),
        _specification(st.one_of(shown, _computed())).map(lambda spec: [{"$project": spec}]),
        _specification(_computed()).map(lambda spec: [{"$set": spec}]),
        _specification(_computed()).map(lambda spec: [{"$set": spec}]),
        st.lists(paths(), min_size=1, max_size=2, unique=True).map(lambda names: [{"$unset": names}]),
        _unwind().map(lambda stage: [stage]),
        _unwind().map(lambda stage: [stage]),
        st.one_of(_computed(), paths().map(lambda path: "$" + path)).map(lambda new: [{"$replaceWith": new}]),
        st.tuples(paths(), st.sampled_from((0, 1, "x", None))).map(
            lambda two: [{"$match": {two[0]: {"$gte": two[1]}}}]
        ),
        paths().map(lambda path: [{"$sort": {path: 1}}]),
        st.integers(1, 4).map(lambda count: [{"$limit": count}]),
        paths().map(lambda path: [{"$group": {"_id": "$" + path, "n": {"$sum": 1}, "x": {"$first": "$a"}}}]),
        st.just([{"$count": "n"}]),
    )


def unions() -> st.SearchStrategy[list[Document]]:
    """$unionWith the collection "o"."""
    inside = st.lists(plain_stages(), max_size=2).map(lambda parts: [stage for part in parts for stage in part])
    return inside.map(lambda stages: [{"$unionWith": {"coll": "o", "pipeline": stages}}])


def facets() -> st.SearchStrategy[list[Document]]:
    """$facet with two pipelines."""
    inside = st.lists(plain_stages(), max_size=2).map(lambda parts: [stage for part in parts for stage in part])
    return st.tuples(inside, inside).map(lambda two: [{"$facet": {"u": two[0], "v": two[1]}}])


def pipelines(*more: st.SearchStrategy[list[Document]], most: int = 4) -> st.SearchStrategy[list[Document]]:
    """A few stages, one after the other."""
    parts = st.lists(st.one_of(plain_stages(), *more), min_size=1, max_size=most)
    return parts.map(lambda found: [stage for part in found for stage in part])
