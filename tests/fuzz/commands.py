"""Random commands: of every command of the registry, right ones and spoiled ones."""

from __future__ import annotations

from typing import Any

from amongo.commands.registry import COMMANDS
from tests.fuzz.language import Document, Language

COLLECTIONS = ("c", "c", "c", "c", "d", "v", "k")
STRANGE_COLLECTIONS = (
    "",
    "none",
    "system.views",
    "system.x",
    "$cmd",
    "a\u0000b",
    ".a",
    "x" * 260,
    "v",
    "é",
    "system.buckets.x",
)
# Their answers depend on the machine, or they only take time.
_LEFT_OUT = frozenset({"hostInfo", "serverStatus", "isMaster", "ismaster", "hello", "getMore", "killCursors"})
_OTHERS = sorted(set(COMMANDS) - _LEFT_OUT)


class Commands(Language):
    """A source of commands."""

    def command(self) -> Document:
        """A command; about a fifth of them are spoiled."""
        makes = {
            self.find: 28,
            self.update_command: 24,
            self.insert: 8,
            self.delete: 8,
            self.aggregate: 16,
            self.find_and_modify: 10,
            self.count: 4,
            self.distinct: 5,
            self.create: 4,
            self.create_indexes: 4,
            self.explain: 4,
            self.bulk_write: 3,
            self.other: 8,
        }
        (make,) = self.chance.choices(list(makes), list(makes.values()))
        command = make()
        while self.happens(0.22):
            name = next(iter(command), "")
            spoiled = self.spoiled({key: part for key, part in command.items() if key != name})
            command = {name: command.get(name), **spoiled} if type(spoiled) is dict else command
        return command

    def collection(self) -> Any:
        """A collection's name; seldom another one."""
        if self.happens(0.97):
            return self.chance.choice(COLLECTIONS)
        return self.chance.choice(STRANGE_COLLECTIONS) if self.happens(0.7) else self.scalar()

    def options(self, **makes: Any) -> Document:
        """Some of these options, and seldom one that every command has."""
        chosen = {name: make() if callable(make) else make for name, make in makes.items() if self.happens(0.2)}
        if self.happens(0.05):
            chosen[self.one("maxTimeMS", "comment", "readConcern", "writeConcern", "$readPreference", "lsid")] = (
                self.one(self.value(), 1000, {"level": "local"}, {"w": 1})
            )
        return chosen

    def hint(self) -> Any:
        """A hint."""
        return self.one("_id_", {"_id": 1}, "a_1", {"a": 1}, {"$natural": -1}, "nope", self.value())

    def let(self) -> Document:
        """Variables."""
        return {self.one("x", "y", "x", "X", ""): self.expression(1) if self.happens(0.2) else self.value(1)}

    def find(self) -> Document:
        """A find."""
        options = self.options(
            projection=self.projection,
            sort=self.sort,
            skip=self.number,
            limit=self.number,
            batchSize=self.number,
            singleBatch=True,
            hint=self.hint,
            collation=self.collation,
            let=self.let,
            min=lambda: {"a": self.value(1)},
            max=lambda: {"a": self.value(1)},
            returnKey=True,
            showRecordId=True,
        )
        return {"find": self.collection(), "filter": self.filter(), **options}

    def update_command(self) -> Document:
        """An update, of one statement mostly."""
        return {
            "update": self.collection(),
            "updates": [self.statement() for _ in range(self.chance.choice((1, 1, 1, 2)))],
        } | self.options(ordered=lambda: self.one(True, False), let=self.let, bypassDocumentValidation=True)

    def statement(self) -> Document:
        """A statement of an update."""
        return {"q": self.filter(1), "u": self.update()} | self.options(
            multi=True,
            upsert=True,
            arrayFilters=self.array_filters,
            collation=self.collation,
            hint=self.hint,
            sort=self.sort,
            c=self.document,
        )

    def insert(self) -> Document:
        """An insert."""
        return {
            "insert": self.collection(),
            "documents": [self.document() for _ in range(self.chance.choice((1, 1, 2, 3)))],
        } | self.options(ordered=lambda: self.one(True, False), bypassDocumentValidation=True)

    def delete(self) -> Document:
        """A delete."""
        statement = {"q": self.filter(1), "limit": self.one(0, 1, 1)} | self.options(
            collation=self.collation, hint=self.hint
        )
        return {"delete": self.collection(), "deletes": [statement]} | self.options(let=self.let)

    def find_and_modify(self) -> Document:
        """A findAndModify."""
        change: Document = {"remove": True} if self.happens(0.2) else {"update": self.update()}
        return {"findAndModify": self.collection(), "query": self.filter(1), **change} | self.options(
            new=True,
            upsert=True,
            fields=self.projection,
            sort=self.sort,
            arrayFilters=self.array_filters,
            collation=self.collation,
            let=self.let,
            hint=self.hint,
        )

    def aggregate(self) -> Document:
        """An aggregate."""
        return {
            "aggregate": self.collection() if self.happens(0.95) else 1,
            "pipeline": self.pipeline(),
            "cursor": {},
        } | self.options(
            collation=self.collation,
            let=self.let,
            hint=self.hint,
            allowDiskUse=lambda: self.one(True, False),
            explain=True,
        )

    def count(self) -> Document:
        """A count."""
        return {"count": self.collection(), "query": self.filter()} | self.options(
            skip=self.number, limit=self.number, hint=self.hint, collation=self.collation
        )

    def distinct(self) -> Document:
        """A distinct."""
        return {"distinct": self.collection(), "key": self.path()} | self.options(
            query=self.filter, collation=self.collation
        )

    def create(self) -> Document:
        """A create."""
        name = self.one("e", "f", "g", self.collection())
        return {"create": name} | self.options(
            capped=True,
            size=self.number,
            max=self.number,
            collation=self.collation,
            validator=lambda: {"$jsonSchema": self.schema()} if self.happens(0.5) else self.filter(1),
            validationLevel=lambda: self.one("off", "strict", "moderate", "x"),
            validationAction=lambda: self.one("warn", "error", "x"),
            viewOn=self.collection,
            pipeline=self.pipeline,
            timeseries=lambda: {"timeField": "t", **self.fields(metaField="m", granularity="hours")},
            clusteredIndex=lambda: {"key": {"_id": 1}, "unique": True},
            expireAfterSeconds=self.number,
        )

    def create_indexes(self) -> Document:
        """A createIndexes."""
        kinds = (1, -1, "text", "2dsphere", "2d", "hashed", 0, "x")
        index = {
            "key": {self.path(): self.one(*kinds) for _ in range(self.chance.choice((1, 1, 2)))},
            "name": self.one("x", "y", "z"),
        }
        index |= self.options(
            unique=True,
            sparse=True,
            expireAfterSeconds=self.number,
            partialFilterExpression=lambda: self.filter(1),
            collation=self.collation,
            weights=lambda: {"a": self.number()},
            wildcardProjection=self.projection,
            hidden=True,
        )
        return {"createIndexes": self.collection(), "indexes": [index]}

    def explain(self) -> Document:
        """An explain of another command."""
        inner = self.one(
            self.find, self.count, self.distinct, self.update_command, self.delete, self.find_and_modify, self.aggregate
        )()
        return {"explain": inner} | self.options(verbosity=lambda: self.one("queryPlanner", "executionStats", "x"))

    def bulk_write(self) -> Document:
        """A bulkWrite."""
        operations = (
            lambda: {"insert": 0, "document": self.document()},
            lambda: {
                "update": 0,
                "filter": self.filter(1),
                "updateMods": self.update(),
                "multi": self.one(True, False),
            },
            lambda: {"delete": 0, "filter": self.filter(1), "multi": self.one(True, False)},
        )
        return {
            "bulkWrite": 1,
            "ops": [self.chance.choice(operations)() for _ in range(self.chance.randint(1, 3))],
            "nsInfo": [{"ns": f"fuzz.{self.chance.choice(COLLECTIONS)}"}],
        } | self.options(ordered=lambda: self.one(True, False), errorsOnly=True)

    def other(self) -> Document:
        """Any command of the registry, with fields of any kind."""
        name = self.chance.choice(_OTHERS)
        first = self.collection() if self.happens(0.8) else self.one(1, self.value())
        names = (
            "filter",
            "pipeline",
            "index",
            "validator",
            "size",
            "to",
            "cursor",
            "nameOnly",
            "full",
            "indexes",
            "query",
        )
        return {name: first} | {self.chance.choice(names): self.value() for _ in range(self.chance.randint(0, 2))}
