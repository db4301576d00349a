"""The recorded campaign: random pipelines over random collections, by columns and by the interpreter, through commands.

    python -m tests.differential.campaign --pipelines 20000 --seed 1 [--record docs/campaigns.md]

Both have to answer the same bytes in the same order, or the same error. A difference is printed with its seed and its
pipeline, and the exit code is 1. A small part of it runs with the tests.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bson
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex
from bson.datetime_ms import DatetimeMS

from amongo.aggregate.relational import running
from amongo.commands.instance import Instance
from amongo.engine.settings import Settings
from amongo.errors import ServerError
from amongo.values.codec import encode

Document = dict[str, Any]
Make = Callable[[random.Random], Any]

PIPELINES_OF_ONE = 12  # pipelines over one collection

KINDS: dict[str, Make] = {
    "int": lambda r: r.choice((0, 1, -1, 7, r.randrange(-100, 100), 2**31 - 1, -(2**31))),
    "small": lambda r: r.randrange(5),
    "long": lambda r: Int64(r.choice((0, 1, 2**40, -(2**40), r.randrange(1000)))),
    "extreme": lambda r: Int64(r.choice((2**63 - 1, -(2**63), 2**53 + 1, 0))),
    "double": lambda r: r.choice((0.0, 1.5, -2.25, r.randrange(1000) / 100, 1e10)),
    "odd double": lambda r: r.choice((-0.0, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, 0.1)),
    "string": lambda r: r.choice(("", "a", "b", "abc", "x,y,z", "Ab", " padded ")),
    "odd string": lambda r: r.choice(("it's", 'quo"te', "nul\0", "é", "𝄞", "$a", "a.b", "'; drop table t0; --")),
    "date": lambda r: DatetimeMS(r.choice((0, 86_399_999, 1_700_000_000_000, -1, r.randrange(10**12)))),
    "odd date": lambda r: DatetimeMS(r.choice((-62135596800000, 253402300799999, 951782400000))),
    "bool": lambda r: r.random() < 0.5,
    "oid": lambda r: ObjectId(r.choice((b"\0" * 12, b"\1" * 12, b"abcdefghijkl"))),
    "decimal": lambda r: Decimal128(r.choice(("1", "1.0", "0.1", "9.999E+6144", "NaN", "-0"))),
    "odd": lambda r: r.choice((MinKey(), MaxKey(), Regex("a"), b"bytes", bson.Timestamp(1, 2))),
    "strings": lambda r: [r.choice("abc") for _ in range(r.randrange(4))],
    "ints": lambda r: [r.randrange(6) for _ in range(r.randrange(4))],
    "documents": lambda r: [{"p": r.randrange(4), "q": r.choice("xy")} for _ in range(r.randrange(3))],
    "document": lambda r: {"p": r.randrange(4), "q": r.choice(("x", "y", None))},
}
USUAL = ("int", "small", "long", "double", "string", "date", "bool", "strings", "ints", "documents", "document")
FIELDS = ("a", "b", "c", "d", "e", "f")


def collection(r: random.Random) -> list[Document]:
    """Documents whose fields have mostly one kind each, with nulls and gaps here and there, and sometimes anything."""
    kinds = {name: [r.choice(USUAL)] for name in FIELDS}
    for name in FIELDS:
        if r.random() < 0.25:
            kinds[name].append(r.choice(tuple(KINDS)))
    gaps = {name: r.choice((0.0, 0.0, 0.2)) for name in FIELDS}
    nulls = {name: r.choice((0.0, 0.0, 0.2)) for name in FIELDS}
    found = []
    for number in range(r.choice((0, 1, 5, 30, 60, 100))):
        document: Document = {"_id": number}
        for name in FIELDS:
            if r.random() >= gaps[name]:
                document[name] = None if r.random() < nulls[name] else KINDS[r.choice(kinds[name])](r)
        found.append(document)
    return found


def path(r: random.Random) -> str:
    return r.choice((*FIELDS, *FIELDS, "e.p", "f.q", "_id", "x"))


def constant(r: random.Random) -> Any:
    return KINDS[r.choice((*USUAL, *KINDS))](r)


def filter_of(r: random.Random, depth: int = 2) -> Document:
    """A query document."""
    if depth and r.random() < 0.25:
        return {r.choice(("$and", "$or", "$nor")): [filter_of(r, depth - 1) for _ in range(r.randrange(1, 3))]}
    operator = r.choice(
        ("$eq", "$eq", "$gt", "$gte", "$lt", "$lte", "$ne", "$in", "$nin", "$exists", "$type", "$mod", "$size", "$not",
         "$regex", "$all", "$elemMatch")
    )  # fmt: skip
    value: Any = constant(r)
    match operator:
        case "$in" | "$nin" | "$all":
            value = [constant(r) for _ in range(r.randrange(4))]
        case "$exists":
            value = r.random() < 0.5
        case "$type":
            value = r.choice(("number", "string", "null", "array", "object", "date", ["int", "double"]))
        case "$mod":
            value = [r.randrange(1, 5), r.randrange(3)]
        case "$size":
            value = r.randrange(3)
        case "$regex":
            value = r.choice(("^a", "b", "c$", "^A.*", "[ab]"))
        case "$not":
            value = {r.choice(("$gt", "$eq", "$lt")): constant(r)}
        case "$elemMatch":
            value = r.choice(({"$gt": 2}, {"p": {"$gt": 1}, "q": "x"}))
    return {path(r): {operator: value}}


def expression(r: random.Random, depth: int = 2) -> Any:
    """An expression over the fields."""
    if not depth or r.random() < 0.35:
        return f"${path(r)}" if r.random() < 0.75 else {"$literal": constant(r)}

    def inner() -> Any:
        return expression(r, depth - 1)

    name = r.choice((*_UNARY, *_BINARY, *_OTHER))
    if name in _UNARY:
        return {name: inner()}
    if name in _BINARY:
        return {name: [inner(), inner()]}
    return _OTHER[name](r, inner)


_UNARY = (
    "$abs", "$ceil", "$floor", "$sqrt", "$not", "$type", "$isNumber", "$toString", "$toLower", "$toUpper",
    "$strLenCP", "$year", "$month", "$dayOfWeek", "$hour", "$size", "$isArray", "$toDouble", "$toLong", "$toBool",
    "$first", "$last", "$reverseArray", "$dayOfYear", "$isoWeek", "$toDate",
)  # fmt: skip
_BINARY = (
    "$add", "$subtract", "$multiply", "$divide", "$mod", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$cmp", "$and",
    "$or", "$concat", "$ifNull", "$in", "$concatArrays", "$setUnion", "$setIntersection", "$max", "$min",
    "$arrayElemAt", "$indexOfCP", "$split",
)  # fmt: skip
_OTHER: dict[str, Callable[[random.Random, Callable[[], Any]], Any]] = {
    "$cond": lambda r, inner: {"$cond": [inner(), inner(), inner()]},
    "$switch": lambda r, inner: {"$switch": {"branches": [{"case": inner(), "then": inner()}], "default": inner()}},
    "$round": lambda r, inner: {"$round": [inner(), r.randrange(3)]},
    "$substrCP": lambda r, inner: {"$substrCP": [inner(), r.randrange(3), r.randrange(4)]},
    "$dateTrunc": lambda r, inner: {
        "$dateTrunc": {"date": inner(), "unit": r.choice(("day", "month", "week", "hour"))}
    },
    "$dateAdd": lambda r, inner: {"$dateAdd": {"startDate": inner(), "unit": "month", "amount": r.randrange(-3, 14)}},
    "$dateToString": lambda r, inner: {"$dateToString": {"date": inner(), "format": "%Y-%m-%d"}},
    "$filter": lambda r, inner: {"$filter": {"input": f"${path(r)}", "cond": {"$gt": ["$$this", 2]}}},
    "$map": lambda r, inner: {"$map": {"input": f"${path(r)}", "in": {"$eq": ["$$this", inner()]}}},
    "$let": lambda r, inner: {"$let": {"vars": {"v": inner()}, "in": {"$ifNull": ["$$v", 0]}}},
    "$sum": lambda r, inner: {"$sum": f"${path(r)}"},
    "$slice": lambda r, inner: {"$slice": [f"${path(r)}", r.randrange(-2, 3) or 1]},
}


def accumulator(r: random.Random) -> Document:
    """An accumulator of a $group."""
    name = r.choice(
        ("$sum", "$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet", "$count", "$firstN", "$maxN",
         "$top", "$bottomN")
    )  # fmt: skip
    value = expression(r, 1)
    match name:
        case "$count":
            return {name: {}}
        case "$firstN" | "$maxN":
            return {name: {"input": value, "n": r.randrange(1, 4)}}
        case "$top":
            return {name: {"sortBy": {path(r): r.choice((1, -1))}, "output": value}}
        case "$bottomN":
            return {name: {"sortBy": {path(r): 1, "_id": 1}, "output": value, "n": 2}}
    return {name: 1 if r.random() < 0.1 else value}


def group(r: random.Random) -> Document:
    key: Any = r.choice((None, f"${path(r)}", f"${path(r)}", {"k": f"${path(r)}", "l": expression(r, 1)}))
    return {"$group": {"_id": key, **{name: accumulator(r) for name in r.sample("xyz", r.randrange(3))}}}


def window(r: random.Random) -> Document:
    output: Document = r.choice(({"$rank": {}}, {"$denseRank": {}}, {"$documentNumber": {}}, {"$sum": f"${path(r)}"}))
    if "$sum" in output:
        bounds = r.choice((["unbounded", "current"], [-1, 1], ["unbounded", "unbounded"]))
        output = {r.choice(("$sum", "$avg", "$min", "$max", "$first", "$last")): output["$sum"]}
        output["window"] = {"documents": bounds}
    spec = {"sortBy": {path(r): r.choice((1, -1))}, "output": {"w": output}}
    return {"$setWindowFields": {**({"partitionBy": f"${path(r)}"} if r.random() < 0.6 else {}), **spec}}


def sort(r: random.Random) -> Document:
    return {"$sort": {path(r): r.choice((1, -1)) for _ in range(r.randrange(1, 3))}}


def lookup(r: random.Random) -> Document:
    return {"$lookup": {"from": "others", "localField": path(r), "foreignField": path(r), "as": r.choice("xa")}}


STAGES: tuple[Make, ...] = (
    lambda r: {"$match": filter_of(r)},
    lambda r: {"$match": filter_of(r)},
    lambda r: {"$match": {"$expr": expression(r)}},
    group,
    group,
    sort,
    sort,
    window,
    lookup,
    lambda r: {"$project": {path(r): 1, "x": expression(r)} if r.random() < 0.7 else {path(r): 0}},
    lambda r: {r.choice(("$set", "$addFields")): {r.choice(("x", "a", "f.z")): expression(r)}},
    lambda r: {"$unset": r.choice(FIELDS)},
    lambda r: {"$unwind": {"path": f"${path(r)}", "preserveNullAndEmptyArrays": r.random() < 0.5}},
    lambda r: {"$limit": r.randrange(1, 40)},
    lambda r: {"$skip": r.randrange(10)},
    lambda r: {"$sortByCount": f"${path(r)}"},
    lambda r: {"$count": "n"},
    lambda r: {"$bucket": {"groupBy": f"${path(r)}", "boundaries": [0, 2, 5, 50], "default": "other"}},
    lambda r: {"$replaceRoot": {"newRoot": {"a": f"${path(r)}", "b": expression(r, 1)}}},
    lambda r: {"$unionWith": "others"},
    lambda r: {"$facet": {"one": [group(r)], "two": [sort(r), {"$limit": 3}]}},
)


def pipeline(r: random.Random) -> list[Document]:
    return [r.choice(STAGES)(r) for _ in range(r.randrange(1, 5))]


@dataclass
class Record:
    """What a campaign has seen.

    lowered   of each pipeline: "whole", "in part", "not at all", or "error"
    """

    lowered: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def run(count: int, seed: int, show: Callable[[str], None] = lambda text: None) -> Record:
    """So many pipelines; what is drawn depends on the seed alone."""
    record = Record()
    instance = Instance.open(None, settings=Settings(columnar_least_count=0))
    try:
        done = 0
        while done < count:
            chance = random.Random(f"{seed} {done}")
            _fill(instance, "things", collection(chance))
            _fill(instance, "others", collection(chance))
            for _ in range(min(PIPELINES_OF_ONE, count - done)):
                _compare(instance, pipeline(chance), f"seed {seed} at {done}", record)
                done += 1
            if not done % 1200:
                show(f"{done}: {dict(record.lowered)}, {len(record.differences)} differences")
        record.failures = instance.columnar.failures
    finally:
        instance.close()
    return record


def _fill(instance: Instance, name: str, documents: list[Document]) -> None:
    instance.run_command("db", encode({"drop": name}))
    instance.run_command("db", encode({"create": name}))
    if documents:
        instance.run_command("db", encode({"insert": name, "documents": documents}))


def _compare(instance: Instance, stages: list[Document], where: str, record: Record) -> None:
    lowered: list[str] = []
    plan = running.plan_pipeline

    def planned(*arguments: Any) -> Any:
        found = plan(*arguments)
        is_whole = found.lowered.stages == len(found.pipeline.stages)
        lowered.append("whole" if is_whole else "in part")
        return found

    running.plan_pipeline = planned
    try:
        over_columns = _answer(instance, stages, None)
    finally:
        running.plan_pipeline = plan
    interpreted = _answer(instance, stages, {"$columnar": False})
    record.lowered["error" if isinstance(interpreted, str) else lowered[0] if lowered else "not at all"] += 1
    if over_columns != interpreted:
        record.differences.append(f"{where}\n  {stages}\n  columns     {over_columns}\n  interpreter {interpreted}")


def _answer(instance: Instance, stages: list[Document], hint: Document | None) -> list[bytes] | str:
    """The documents' bytes, or the error."""
    command: Document = {"aggregate": "things", "pipeline": stages, "cursor": {"batchSize": 100_000}}
    if hint is not None:
        command["hint"] = hint
    try:
        reply = instance.run_command("db", encode(command))
    except ServerError as error:
        return f"{error.code} {error.message}"
    return [each.raw for each in reply["cursor"]["firstBatch"]]


def main() -> int:
    """Run a campaign; 1 if there was a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pipelines", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", type=Path, help="add a line to this page")
    options = parser.parse_args()
    started = time.monotonic()
    record = run(options.pipelines, options.seed, lambda text: print(text, flush=True))
    for text in (*record.differences[:20], *record.failures[:20]):
        print(text)
    line = (
        f"| {datetime.date.today()} | {options.pipelines:,} | {options.seed} | "
        + " | ".join(f"{record.lowered[name]:,}" for name in ("whole", "in part", "not at all", "error"))
        + f" | {len(record.failures)} | {len(record.differences)} | {time.monotonic() - started:.0f} s |"
    )
    print(line)
    if options.record is not None:
        with options.record.open("a", encoding="utf-8") as page:
            page.write(line + "\n")
    return 1 if record.differences or record.failures else 0


if __name__ == "__main__":
    sys.exit(main())
