"""Matching against decoding: a filter is compiled once, and one look at a document costs a part of decoding it."""

from collections.abc import Callable
from typing import Any, Final

import bson

from amongo.mql.matcher import parse_filter
from amongo.values.codec import decode
from benchmarks.documents import people
from benchmarks.rounds import compare
from benchmarks.rows import Budget, Row, expect, failure_text
from benchmarks.sizes import Sizes

SECTION: Final = "matching"
PREDICATES: Final[dict[str, tuple[dict[str, Any], Callable[[Any], bool]]]] = {
    "a range and a boolean": (
        {"age": {"$gte": 30}, "active": True},
        lambda each: each["age"] >= 30 and each["active"],
    ),
    "a list and a string inside a document": (
        {"age": {"$in": [24, 29, 30]}, "address.city": "Oslo"},
        lambda each: each["age"] in (24, 29, 30) and each["address"]["city"] == "Oslo",
    ),
    "a range of int64 and an array's element": (
        {"visits": {"$gt": 5_000_000_003}, "tags": "admin"},
        lambda each: each["visits"] > 5_000_000_003 and "admin" in each["tags"],
    ),
    "a regular expression and a double": (
        {"email": {"$regex": "^ada0"}, "balance": {"$lt": 1500.0}},
        lambda each: each["email"].startswith("ada0") and each["balance"] < 1500.0,
    ),
}
"""Two fields each, over the ten-field document; and the same said in Python."""


async def run(sizes: Sizes, parent: str | None = None) -> list[Row]:
    """Time each predicate over decoded documents, beside decoding them.

    sizes    how much
    result   one row a predicate
    """
    return [await _measure(name, predicate, meaning, sizes) for name, (predicate, meaning) in PREDICATES.items()]


async def _measure(name: str, predicate: dict[str, Any], meaning: Callable[[Any], bool], sizes: Sizes) -> Row:
    budget = Budget(0.5)
    raws = [bson.encode(person) for person in people(sizes.list_documents)]
    documents = [decode(raw) for raw in raws]
    try:
        matches = parse_filter(predicate).bind()
        expect([*map(matches, documents)], [*map(meaning, documents)], name)

        async def operation() -> list[bool]:
            return [matches(document) for document in documents]

        def limit() -> list[dict[str, Any]]:
            return [bson.decode(raw) for raw in raws]

        compared = await compare(
            operation=operation,
            limit=limit,
            before_operation=lambda: None,
            units=len(documents),
            rounds=sizes.batch_rounds,
        )
    except Exception as error:
        return Row(SECTION, name, "-", None, "x", budget, failure=failure_text(error))
    return Row(SECTION, name, "-", compared.ratio, "x", budget, compared.note("decode"))
