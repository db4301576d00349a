"""Random BSON values, and ways to spoil what was right."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from amongo.values.deprecated import Symbol, Undefined

NAMES = ("a", "b", "c", "_id", "0", "1", "t", "loc", "m")
PATHS = ("a", "b", "c", "_id", "a.b", "a.0", "b.1.c", "a.b.c", "_id.a", "loc", "t", "m.x")
STRANGE_PATHS = (
    *(
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "$",
        "$a",
        "a.$",
        "a.$[]",
        "a.$[x]",
        "a.$b",
        "$$ROOT",
        "a.$[x].b",
        "-1",
        "a.-1",
        "a.00",
    ),
    *("a.2147483648", "$where", "$or", "x" * 300, ".".join("ab" * 60), "a\u0000b", "é", "$**", "__proto__"),
)
SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 2**31 - 1, -(2**31), Int64(0), Int64(1), Int64(2**63 - 1), Int64(-(2**63))),
    *(0.0, -0.0, 1.0, 1.5, -2.5, math.nan, math.inf, -math.inf, 1e308, 5e-324, 2.0**53),
    *(Decimal128("0"), Decimal128("1.0"), Decimal128("-1E+6111"), Decimal128("NaN"), Decimal128("-Infinity")),
    *(
        "",
        "a",
        "b",
        "é",
        "a.b",
        "$a",
        "$$ROOT",
        "$$NOW",
        "$$x",
        "en",
        "x" * 200,
        "2020-01-01",
        "int",
        "\u0000",
        "\ud7ff",
    ),
    *(b"", b"\x00\x01", Binary(b"0" * 16, 4), Binary(b"x", 128), ObjectId("0" * 24), ObjectId("f" * 24)),
    *(DatetimeMS(0), DatetimeMS(2**63 - 1), DatetimeMS(-(2**63)), DatetimeMS(1_700_000_000_000), Timestamp(0, 0)),
    *(Timestamp(2**32 - 1, 1), MinKey(), MaxKey(), Regex("a.*b"), Regex("^a", "i"), Regex("("), Regex("(a+)+$")),
    *(Code("function() { return 1 }"), Code("x", {"a": 1}), Undefined(), Symbol("a")),
)
PATTERNS = (
    "a",
    "^a",
    "(a|b)+c",
    "(",
    "[",
    "a{2,1}",
    "(?<n>a)\\k<n>",
    "\\p{L}",
    "(?i)a",
    "(*COMMIT)",
    "a" * 20000,
    "\\",
    "(?R)",
)


class Source:
    """Where all that is random comes from.

    chance    the generator
    depth     how deep values may still nest
    """

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)

    def one(self, *choices: Any) -> Any:
        """One of these."""
        return self.chance.choice(choices)

    def happens(self, share: float) -> bool:
        """True in this share of the cases."""
        return self.chance.random() < share

    def scalar(self) -> Any:
        """A value that is neither document nor array."""
        return self.chance.choice(SCALARS)

    def number(self) -> Any:
        """A small number mostly; sometimes one of another kind."""
        return self.one(0, 1, -1, 2, 3, 10, Int64(1), 1.0, 2.5, -2.0) if self.happens(0.85) else self.scalar()

    def path(self) -> str:
        """A field path; sometimes a strange one."""
        return str(self.chance.choice(PATHS if self.happens(0.93) else STRANGE_PATHS))

    def value(self, depth: int = 3) -> Any:
        """Any value."""
        if depth <= 0 or self.happens(0.55):
            return self.one(*range(4), "a", "b", None, 1.5) if self.happens(0.5) else self.scalar()
        if self.happens(0.5):
            return [self.value(depth - 1) for _ in range(self.chance.randint(0, 3))]
        return self.document(depth - 1)

    def document(self, depth: int = 3) -> dict[str, Any]:
        """A document with a few fields."""
        names = self.chance.sample(NAMES, self.chance.randint(0, 3))
        if self.happens(0.03):
            names.append(self.chance.choice(STRANGE_PATHS))
        return {name: self.value(depth) for name in names}

    def some(self, make: Any, most: int = 3) -> list[Any]:
        """A list of a few that `make` makes."""
        return [make() for _ in range(self.chance.randint(0, most))]

    def fields(self, **makes: Any) -> dict[str, Any]:
        """A document with some of these fields."""
        return {name: make() if callable(make) else make for name, make in makes.items() if self.happens(0.6)}

    def spoiled(self, value: Any) -> Any:
        """The same value with one part of it spoiled."""
        if type(value) is dict and value and self.happens(0.8):
            name = self.chance.choice(list(value))
            return self._spoiled_field(value, name)
        if type(value) is list and value and self.happens(0.8):
            place = self.chance.randrange(len(value))
            if self.happens(0.15):
                return value + [value[place]] * self.chance.randint(1, 3)
            if self.happens(0.15):
                return value[:place] + value[place + 1 :]
            return [*value[:place], self.spoiled(value[place]), *value[place + 1 :]]
        if self.happens(0.03):
            return self.nested(value, self.one(5, 30, 99, 101, 150, 198))
        return self.one([value], {"a": value}, {"$a": value}) if self.happens(0.2) else self.value()

    def nested(self, value: Any, depth: int) -> Any:
        """The value, deep inside."""
        wrap = self.one(
            lambda inner: [inner],
            lambda inner: {"a": inner},
            lambda inner: {"$and": [inner]},
            lambda inner: {"$not": inner},
        )
        for _ in range(depth):
            value = wrap(value)
        return value

    def _spoiled_field(self, value: dict[str, Any], name: str) -> dict[str, Any]:
        kind = self.chance.random()
        if kind < 0.1:
            return {key: part for key, part in value.items() if key != name}
        if kind < 0.2:
            other = self.one(*STRANGE_PATHS, *PATHS, "$eq", "$set", "$add", "$match")
            return {other if key == name else key: part for key, part in value.items()}
        if kind < 0.25:
            return {**value, self.path(): self.value()}
        return {**value, name: self.spoiled(value[name])}
