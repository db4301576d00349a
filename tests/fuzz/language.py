"""Random parts of the language: filters, updates, projections, sorts, expressions, pipelines, schemas, collations."""

from __future__ import annotations

from typing import Any

from amongo.aggregate.stages import registry as stage_registry
from amongo.mql import accumulators, expressions
from amongo.mql.matcher.registry import FIELD_OPERATORS
from amongo.mql.schema.registry import KEYWORDS
from amongo.mql.updates.registry import OPERATORS as UPDATE_OPERATORS
from tests.fuzz.values import PATTERNS, Source

Document = dict[str, Any]

_FIELD_OPERATORS = sorted(FIELD_OPERATORS)
_UPDATES = sorted(UPDATE_OPERATORS)
_EXPRESSIONS = sorted(expressions.OPERATORS)
_STAGES = sorted(stage_registry.STAGES)
_ACCUMULATORS = sorted(accumulators.ACCUMULATORS)
_KEYWORDS = sorted(KEYWORDS)
_TYPES = ("int", "string", "object", "array", "null", "number", "date", 2, 16, "nope", -1, 127)
_LOCALES = ("en", "fr", "de@collation=phonebook", "simple", "tr", "zz", "", "sv", "zh@collation=stroke")


class Language(Source):
    """A source of what the language knows."""

    # Filters

    def filter(self, depth: int = 2) -> Document:
        """A filter of a few conditions."""
        conditions: Document = {}
        for _ in range(self.chance.choice((0, 1, 1, 1, 2, 3))):
            if depth > 0 and self.happens(0.2):
                name = self.one("$and", "$or", "$nor")
                conditions[name] = [self.filter(depth - 1) for _ in range(self.chance.randint(1, 2))]
            elif self.happens(0.08):
                name, operand = self.top_level()
                conditions[name] = operand
            else:
                conditions[self.path()] = self.value(2) if self.happens(0.3) else self.condition(depth)
        return conditions

    def top_level(self) -> tuple[str, Any]:
        """A condition without a field."""
        name = self.one(
            "$expr", "$text", "$where", "$jsonSchema", "$comment", "$sampleRate", "$alwaysTrue", "$alwaysFalse"
        )
        make: dict[str, Any] = {
            "$expr": self.expression,
            "$jsonSchema": self.schema,
            "$text": lambda: {"$search": "a b", **self.fields(**{"$language": "en", "$caseSensitive": True})},
        }
        return name, make.get(name, self.value)()

    def condition(self, depth: int = 2) -> Document:
        """Operators for one field."""
        return dict(self.operator(depth) for _ in range(self.chance.choice((1, 1, 1, 2))))

    def operator(self, depth: int) -> tuple[str, Any]:
        """One operator with an operand that may be right."""
        name = self.chance.choice(_FIELD_OPERATORS)
        make: dict[str, Any] = {
            "$in": lambda: self.some(self.value),
            "$nin": lambda: self.some(self.value),
            "$all": lambda: self.some(self.value),
            "$exists": lambda: self.one(True, False, 1),
            "$type": lambda: self.one(*_TYPES, [self.one(*_TYPES)]),
            "$size": lambda: self.one(0, 1, 2, -1),
            "$mod": lambda: [self.number(), self.number()],
            "$regex": lambda: self.one(*PATTERNS),
            "$options": lambda: self.one("", "i", "imsx", "q"),
            "$not": lambda: self.condition(depth - 1) if depth > 0 else {"$eq": 1},
            "$elemMatch": lambda: (
                self.condition(depth - 1) if self.happens(0.5) and depth > 0 else self.filter(depth - 1)
            ),
            "$near": self.place,
            "$nearSphere": self.place,
            "$geoWithin": self.region,
            "$geoIntersects": self.region,
        }
        if name.startswith("$bits"):
            return name, self.one(0, 5, [0, 1], b"\x05", -1, [70])
        return name, make.get(name, lambda: self.value(2))()

    def place(self) -> Any:
        """What a query by distance asks for."""
        point = self.geometry() if self.happens(0.7) else [self.number(), self.number()]
        return {"$geometry": point, **self.fields(**{"$maxDistance": self.number, "$minDistance": self.number})}

    def region(self) -> Any:
        """What a query by area asks for."""
        if self.happens(0.5):
            return {"$geometry": self.geometry()}
        corners = [[self.number(), self.number()] for _ in range(3)]
        center = [corners[0], self.number()]
        return self.one({"$box": corners[:2]}, {"$center": center}, {"$centerSphere": center}, {"$polygon": corners})

    def geometry(self) -> Any:
        """A GeoJSON object."""
        point = [self.number(), self.number()]
        ring = [[0, 0], [0, 2], [2, 2], [0, 0]]
        return self.one(
            {"type": "Point", "coordinates": point},
            {"type": "LineString", "coordinates": [point, [3, 3]]},
            {"type": "Polygon", "coordinates": [ring]},
            {"type": "MultiPoint", "coordinates": [point]},
            {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": point}]},
        )

    # Updates

    def update(self) -> Any:
        """Operators, a replacement or a pipeline."""
        kind = self.chance.random()
        if kind < 0.7:
            names = self.chance.sample(_UPDATES, self.chance.choice((1, 1, 2, 3)))
            return {
                name: {self.path(): self.update_operand(name) for _ in range(self.chance.choice((1, 1, 2)))}
                for name in names
            }
        if kind < 0.85:
            return self.document()
        stages = ("$set", "$unset", "$project", "$replaceWith", "$addFields", "$replaceRoot")
        return [{name: self.stage_operand(name)} for name in self.chance.sample(stages, self.chance.randint(1, 2))]

    def update_operand(self, name: str) -> Any:
        """What an update operator takes."""
        each = {
            "$each": self.some(self.value),
            **self.fields(**{"$position": self.number, "$slice": self.number, "$sort": self.sort_operand}),
        }
        make: dict[str, Any] = {
            "$inc": self.number,
            "$mul": self.number,
            "$rename": self.path,
            "$currentDate": lambda: self.one(True, {"$type": "date"}, {"$type": "timestamp"}, {"$type": "x"}),
            "$bit": lambda: {self.one("and", "or", "xor", "x"): self.number()},
            "$push": lambda: self.one(self.value(), each),
            "$addToSet": lambda: self.one(self.value(), {"$each": self.some(self.value)}),
            "$pop": lambda: self.one(1, -1, 2),
            "$pull": lambda: self.one(self.value(), self.condition(), self.filter(1)),
            "$pullAll": lambda: self.some(self.value),
        }
        return make.get(name, self.value)()

    def array_filters(self) -> list[Any]:
        """Filters for `$[x]`."""
        return self.some(lambda: {self.one("x", "x.b", "y", "x.0"): self.one(self.value(), self.condition(1))}, 2)

    # Shapes and orders

    def projection(self) -> Document:
        """A projection."""
        return {self.path(): self.projected() for _ in range(self.chance.choice((0, 1, 1, 2, 3)))}

    def projected(self) -> Any:
        """What a projection says of one field."""
        kind = self.chance.random()
        if kind < 0.5:
            return self.one(0, 1, True, False, 1.0, -1)
        if kind < 0.6:
            return {"$slice": self.one(self.number(), [self.number(), self.number()])}
        if kind < 0.7:
            return {"$elemMatch": self.filter(1)}
        if kind < 0.78:
            return {"$meta": self.one("textScore", "recordId", "sortKey", "indexKey", "nope", "geoNearDistance")}
        return self.expression() if kind < 0.95 else self.projection()

    def sort(self) -> Document:
        """A sort pattern."""
        return {self.path(): self.sort_operand() for _ in range(self.chance.choice((0, 1, 1, 2)))}

    def sort_operand(self) -> Any:
        """A direction."""
        return self.one(1, -1, 1.0) if self.happens(0.85) else self.one({"$meta": "textScore"}, 0, self.value())

    def collation(self) -> Document:
        """A collation."""
        return {"locale": self.one(*_LOCALES)} | self.fields(
            strength=lambda: self.one(1, 2, 3, 4, 5, 6),
            caseLevel=lambda: self.one(True, False),
            caseFirst=lambda: self.one("upper", "lower", "off", "x"),
            numericOrdering=lambda: self.one(True, False),
            alternate=lambda: self.one("shifted", "non-ignorable"),
            maxVariable=lambda: self.one("punct", "space"),
            backwards=lambda: self.one(True, False),
            normalization=lambda: self.one(True, 0),
        )

    def schema(self, depth: int = 2) -> Document:
        """A JSON schema."""
        return {name: self.keyword(name, depth) for name in self.chance.sample(_KEYWORDS, self.chance.randint(0, 3))}

    def keyword(self, name: str, depth: int) -> Any:
        """What a keyword of a schema takes."""
        inner = self.schema(depth - 1) if depth > 0 else {}
        if name in ("properties", "patternProperties", "dependencies"):
            return {self.one("a", "b", "^a", "("): inner}
        if name in ("allOf", "anyOf", "oneOf"):
            return [inner]
        if name in ("items", "additionalItems", "additionalProperties", "not"):
            return self.one(inner, [inner], True)
        if name in ("required", "enum"):
            return self.some(lambda: self.one("a", "b", 1), 2)
        if name in ("bsonType", "type"):
            return self.one(*_TYPES, ["int", "string"], "boolean")
        return self.one(self.number(), self.one(*PATTERNS), True, self.value())

    # Expressions and pipelines

    def expression(self, depth: int = 2) -> Any:
        """An expression."""
        if depth <= 0 or self.happens(0.3):
            return (
                self.one("$a", "$b", "$_id", "$$ROOT", "$$NOW", "$a.b", "$$x", {"$literal": 1})
                if self.happens(0.6)
                else self.value(1)
            )
        name = self.chance.choice(_EXPRESSIONS)
        if self.happens(0.5):
            return {name: [self.expression(depth - 1) for _ in range(self.chance.choice((0, 1, 2, 2, 3)))]}
        if self.happens(0.5):
            return {name: self.expression(depth - 1)}
        names = (
            "input",
            "in",
            "as",
            "cond",
            "if",
            "then",
            "else",
            "vars",
            "date",
            "unit",
            "to",
            "initialValue",
            "n",
            "sortBy",
            "regex",
            "find",
            "replacement",
        )
        return {name: {each: self.expression(depth - 1) for each in self.chance.sample(names, 3)}}

    def pipeline(self, depth: int = 1) -> list[Document]:
        """A pipeline."""
        names = [self.chance.choice(_STAGES) for _ in range(self.chance.choice((0, 1, 1, 2, 3)))]
        return [{name: self.stage_operand(name, depth)} for name in names]

    def stage_operand(self, name: str, depth: int = 1) -> Any:
        """What a stage takes."""
        make: dict[str, Any] = {
            "$match": self.filter,
            "$project": self.projection,
            "$set": lambda: {self.path(): self.expression()},
            "$addFields": lambda: {self.path(): self.expression()},
            "$unset": lambda: self.one("a", ["a", "b"], self.path()),
            "$sort": self.sort,
            "$limit": lambda: self.one(1, 2, 0, -1, self.number()),
            "$skip": lambda: self.one(0, 1, self.number()),
            "$sample": lambda: {"size": self.number()},
            "$count": self.path,
            "$unwind": lambda: self.one("$a", "$b", {"path": "$a", "preserveNullAndEmptyArrays": True}),
            "$group": lambda: {"_id": self.expression(1), "n": self.accumulator()},
            "$bucket": lambda: {"groupBy": "$a", "boundaries": [0, 2, self.number()], "default": "x"},
            "$replaceRoot": lambda: {"newRoot": self.expression()},
            "$replaceWith": self.expression,
            "$sortByCount": self.expression,
            "$documents": lambda: self.some(self.document),
            "$facet": lambda: {"x": self.pipeline(depth - 1) if depth > 0 else []},
            "$unionWith": lambda: self.one(
                "d", {"coll": "c", "pipeline": self.pipeline(depth - 1) if depth > 0 else []}
            ),
            "$lookup": lambda: {"from": "c", "localField": self.path(), "foreignField": self.path(), "as": self.path()},
            "$graphLookup": lambda: {
                "from": "c",
                "startWith": "$a",
                "connectFromField": "a",
                "connectToField": "b",
                "as": "g",
            },
            "$out": lambda: self.one("d", "e"),
            "$merge": lambda: {"into": self.one("d", "e")},
            "$setWindowFields": lambda: {"sortBy": self.sort(), "output": {"w": self.accumulator()}},
        }
        return make.get(name, lambda: self.one(self.value(), {"a": self.expression()}))()

    def accumulator(self) -> Document:
        """An accumulator with its operand."""
        return {self.chance.choice(_ACCUMULATORS): self.one(self.expression(1), {"input": "$a", "n": 2}, {})}
