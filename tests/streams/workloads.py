"""Random work: CRUD of all kinds, transactions, and what changes the catalog, in two databases.

Most documents are written to a few times; a hypothesis strategy would seldom come so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from bson import Binary, Int64
from watching import World

Document = dict[str, Any]

_FIELDS = ("x", "y", "z", "0")
_LESS = {"$max": [1, {"$subtract": [{"$size": "$x"}, 1]}]}
_SHORTER = {"$set": {"x": {"$cond": [{"$isArray": "$x"}, {"$slice": ["$x", _LESS]}, ["*" * 80, 1, 2, 3]]}}}
_SCALARS = (0, 1, -2, 3, None, "word", 1.5, True, "*" * 60)


@dataclass(frozen=True)
class Step:
    """One command; it may fail."""

    command: Document
    database: str = "shop"

    def __call__(self, world: World) -> None:
        world.tries(self.command, self.database)


@dataclass(frozen=True)
class Transaction:
    """Some writes in one transaction, another outside of it meanwhile, and the end; any may fail."""

    number: int
    inside: tuple[Document, ...]
    outside: Document
    commits: bool

    def __call__(self, world: World) -> None:
        session = {"lsid": {"id": Binary(b"s" * 16, 4)}, "txnNumber": Int64(self.number), "autocommit": False}
        start: Document = {"startTransaction": True}
        for each in self.inside:
            if not world.tries(each | session | start):
                break
            start = {}
        world.tries(self.outside)
        world.tries({"commitTransaction" if self.commits else "abortTransaction": 1} | session, "admin")


Work = list[Step | Transaction]


def random_work(seed: int, count: int, *, moves_fields: bool = False) -> Work:
    """So many steps. The collections `a` and `b` of `shop` are there from the beginning, one with images.

    moves_fields   by some, fields come to stand elsewhere in their documents, which change events cannot tell
    """
    random = Random(seed)
    start: Document = {"create": "a", "changeStreamPreAndPostImages": {"enabled": True}}
    work: Work = [Step(start), Step({"create": "b"})]
    for number in range(count):
        work.append(_step(random, number))
        if moves_fields and random.random() < 0.2:
            field = "$" + random.choice("fxyz")
            moved = {"$mergeObjects": [{"_id": "$_id"}, {field[1:]: field}, "$$ROOT"]}
            statement = {"q": {field[1:]: {"$exists": True}}, "u": [{"$replaceWith": moved}], "multi": True}
            work.append(Step({"update": _name(random), "updates": [statement]}))
    return work


def _step(random: Random, number: int) -> Step | Transaction:
    if random.random() < 0.08:
        inside = tuple(_write(random) for _ in range(random.randrange(1, 5)))
        return Transaction(number, inside, _write(random), random.random() < 0.8)
    database = random.choice(("shop", "shop", "shop", "far"))
    if random.random() < 0.03:
        one, other = f"shop.{_name(random)}", f"shop.{_name(random)}"
        return Step({"renameCollection": one, "to": other, "dropTarget": random.random() < 0.8}, "admin")
    if random.random() < 0.12:
        return Step(_catalog_command(random), database)
    return Step(_write(random), database)


def _name(random: Random) -> str:
    return random.choice("ab")


def _value(random: Random, depth: int = 2) -> Any:
    kind = random.random()
    if depth and kind < 0.3:
        return [_value(random, depth - 1) for _ in range(random.randrange(4))]
    if depth and kind < 0.6:
        return _body(random, depth - 1)
    return random.choice(_SCALARS)


def _body(random: Random, depth: int = 2) -> Document:
    return {name: _value(random, depth) for name in random.sample(_FIELDS, random.randrange(1, 5))}


def _path(random: Random) -> str:
    parts = [random.choice(_FIELDS)]
    while random.random() < 0.5:
        parts.append(random.choice((*_FIELDS, "0", "1", "3")))
    return ".".join(parts)


def _operators(random: Random) -> Document:
    path, other = _path(random), _path(random)
    return random.choice(
        (
            {"$set": {path: _value(random)}},
            {"$set": {path: _value(random)}, "$unset": {other: 1}},
            {"$unset": {path: 1}},
            {"$inc": {path: 2}},
            {"$rename": {path: other}},
            {"$push": {path: _value(random)}},
            {"$push": {path: {"$each": [_value(random), 1], "$slice": random.randrange(-3, 4)}}},
            {"$push": {path: {"$each": [7], "$position": random.randrange(3)}}},
            {"$addToSet": {path: _value(random, 0)}},
            {"$pop": {path: random.choice((1, -1))}},
            {"$pull": {path: random.choice(_SCALARS)}},
            {"$set": {path + ".$[]": _value(random, 1)}},
        )
    )


def _pipeline(random: Random) -> list[Document]:
    path = _path(random)
    named = {"field": random.choice(("d.e", "x.y", "0")), "input": "$$ROOT", "value": {"$literal": _value(random)}}
    return [
        random.choice(
            (
                {"$set": {path: {"$literal": _value(random)}}},
                {"$set": {random.choice(_FIELDS): {"$literal": _value(random)}}},
                {"$unset": path},
                {"$replaceWith": {"$mergeObjects": ["$$ROOT", {"$literal": _body(random)}]}},
                {"$replaceWith": {"$setField": named}},
                _SHORTER,
                _SHORTER,
            )
        )
    ]


def _write(random: Random) -> Document:
    name, identity = _name(random), random.randrange(5)
    kind = random.random()
    if kind < 0.3:
        documents = [{"_id": each, "f": "*" * random.choice((0, 90)), **_body(random)} for each in range(5)]
        return {"insert": name, "documents": random.sample(documents, random.randrange(1, 4)), "ordered": False}
    if kind < 0.37:
        return {"delete": name, "deletes": [{"q": {"_id": identity}, "limit": 1}]}
    if kind < 0.39:
        return {"delete": name, "deletes": [{"q": {"x": {"$exists": True}}, "limit": 0}]}
    update = random.choice((_operators, _operators, _pipeline, _body))(random)
    if kind < 0.5:
        return {"findAndModify": name, "query": {"_id": identity}, "update": update}
    is_multi = kind < 0.6 and (type(update) is list or next(iter(update))[0] == "$")
    statement = {"q": {} if is_multi else {"_id": identity}, "u": update, "multi": is_multi, "upsert": not is_multi}
    return {"update": name, "updates": [statement]}


def _catalog_command(random: Random) -> Document:
    name, field = _name(random), random.choice(_FIELDS)
    return random.choice(
        (
            {"create": name},
            {"create": name, "capped": True, "size": 4096, "max": 3},
            {"drop": name},
            {"createIndexes": name, "indexes": [{"key": {field: 1}, "name": field}, {"key": {"w": 1}, "name": "w"}]},
            {"createIndexes": name, "indexes": [{"key": {field: 1}, "name": field}]},
            {"dropIndexes": name, "index": "*"},
            {"collMod": name, "validationLevel": "off"},
            {"collMod": name, "changeStreamPreAndPostImages": {"enabled": random.random() < 0.6}},
            {"create": "v", "viewOn": "a", "pipeline": []},
            {"drop": "v"},
            {"dropDatabase": 1},
        )
    )
