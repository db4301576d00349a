"""From the stages of a pipeline to one statement: the longest beginning that can be proved to be exact.

Stage after stage is lowered onto a frame; the first one that cannot be ends the prefix, and explain shows why. What the
prefix reads is known from its columns' facts, so that the columns are made first: those that the stages seem to read in
one go, and one that turns out to be read as well then, whereupon the lowering begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any

from amongo.aggregate.relational.frame import RECORD_ID, Frame
from amongo.aggregate.relational.listing import joined_lists, present
from amongo.aggregate.relational.registry import STAGES
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope, shown
from amongo.aggregate.relational.sql import Sql, case, column, integer, sql, word
from amongo.aggregate.relational.values import Listing, ListOrigin, NotLowered, Origin, Value, literal, tag_of
from amongo.aggregate.stages.stage import Stage
from amongo.engine.columns import EACH, OTHER, Columns, Facts, Path, slot_of
from amongo.values.missing import MISSING
from amongo.values.types import BsonType

TABLE = "t0"
"""The table of the collection's columns."""


class Unread(Exception):
    """Paths are read whose columns are not there yet.

    collection   another one that they are read of; "" for the pipeline's own
    """

    def __init__(self, *paths: Path, collection: str = "") -> None:
        super().__init__(*paths)
        self.paths = paths
        self.collection = collection


@dataclass(frozen=True, slots=True)
class Other:
    """Another collection, as it is stored.

    columns_of   gives columns of paths, of the same moment whenever it is asked
    bytes        of all its documents together, or more
    """

    columns_of: Callable[[Iterable[Path]], Columns]
    bytes: int


Others = Callable[[str], Other | None]
"""Name of a collection of the same database -> how its columns are had; None for a view, a time series, for none."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """The beginning of a pipeline as a statement.

    frame     the documents that come out
    stages    how many stages it takes the place of
    reason    why it ends there; "" where it is the whole pipeline
    paths     the columns that it reads
    """

    frame: Frame
    stages: int
    reason: str
    paths: tuple[Path, ...]


class Lowering:
    """The lowering of one pipeline over the columns of one collection.

    columns     of the collection
    variables   values of `let` and the system variables, without the dollars
    collates    whether strings compare by a collation: then nothing that compares strings is lowered
    others      other collections of the database
    random      where $sample gets its chance from; None for nowhere
    table       the name of the table of its columns
    read        the columns that are read -> the number of each, for the names of its parts
    spread      those of elements that are taken apart, likewise
    ordinals    arrays that are taken apart -> the number of the column that counts their elements
    lengths     arrays -> the number of the column that says how many elements they have
    together    columns of elements of the same arrays -> the number of the column of lists that has them in structs
    bounds      columns that rows are in the order of, whole numbers from 0 -> a number that all are less than
    joined      the lowerings over other collections, one for each time that one is read
    """

    def __init__(
        self,
        columns: Columns,
        variables: Mapping[str, Any],
        *,
        collates: bool = False,
        others: Others | None = None,
        random: Random | None = None,
    ) -> None:
        self.columns = columns
        self.variables = variables
        self.collates = collates
        self.random = random
        self.collection = ""
        self.bytes = 0
        self.table = TABLE
        self.read: dict[Path, int] = {}
        self.spread: dict[Path, int] = {}
        self.ordinals: dict[Path, int] = {}
        self.lengths: dict[Path, int] = {}
        self.together: dict[tuple[Path, ...], int] = {}
        last = (int(segment.record_ids[-1]) for segment in columns.segments if len(segment.record_ids))
        self.bounds: dict[str, int] = {RECORD_ID: max(last, default=0) + 1}
        self.joined: list[Lowering] = []
        self._others = others
        self._wanted: Mapping[str, Iterable[Path]] = {}
        self._facts: dict[Path, Facts] = {}
        self._numbers = count()

    def fresh(self, letter: str) -> str:
        """A name that no column has."""
        return f"{letter}{next(self._numbers)}"

    def number(self) -> int:
        """A number that no column has."""
        return next(self._numbers)

    def spread_paths(self, prefix: Path) -> list[Path]:
        """The paths below that have been asked for."""
        return [path for path in self.asked(self.collection) if path[: len(prefix)] == prefix]

    def asked(self, subject: str) -> list[Path]:
        """The paths that have been asked for of a collection, or of something else that is no collection's name."""
        return list(self._wanted.get(subject, ()))

    def start(self) -> Frame:
        """All documents of the collection."""
        return Frame(Relation(word(self.table), most=self.columns.count), is_stored=True)

    def lower(self, stages: Sequence[Stage]) -> Lowered:
        """The longest beginning of the stages that is lowered; of none at least the documents as they are.

        errors   Unread
        """
        return self.lower_onto(self.start(), stages)

    def lower_onto(self, frame: Frame, stages: Sequence[Stage]) -> Lowered:
        """The longest beginning of the stages that is lowered, on documents that there are.

        errors   Unread
        """
        best = Lowered(frame, 0, "", ())
        reason = ""
        for place, stage in enumerate(stages):
            lower = STAGES.get(type(stage))
            try:
                if frame.branches:
                    raise NotLowered("there is one document")
                if lower is None:
                    raise NotLowered(f"{type(stage).__name__} is not lowered")
                frame = lower(stage, frame, self)
            except NotLowered as stop:
                reason = stop.reason
                break
            if not frame.held:
                best = Lowered(frame, place + 1, "", ())
        else:
            reason = frame.held
        best = replace(best, frame=self.taken_apart(best.frame))
        paths = tuple(self.read | self.spread)
        return replace(best, reason=reason if best.stages < len(stages) else "", paths=paths)

    def taken_apart(self, frame: Frame) -> Frame:
        """The same documents made of the values of their fields alone, where these and their order are known."""
        if frame.names is None:
            return frame
        scope = Scope(frame, self)
        try:
            return frame.built({name: scope.located((name,)) for name in frame.names})
        except NotLowered:
            return frame

    def other(self, name: str) -> Lowering:
        """A lowering over another collection, with a table of its own.

        errors   NotLowered where its columns cannot be had, Unread
        """
        found = None if self._others is None else self._others(name)
        if found is None:
            raise NotLowered(f"{name} is no stored collection")
        again = (each.columns for each in self.joined if each.collection == name)
        columns = next(again, None) or found.columns_of(self.asked(name))
        lowering = Lowering(columns, self.variables, collates=self.collates, others=self._others, random=self.random)
        lowering.collection, lowering.bytes = name, found.bytes
        lowering._wanted, lowering._numbers, lowering.joined = self._wanted, self._numbers, self.joined
        self.joined.append(lowering)
        lowering.table = f"t{len(self.joined)}"
        return lowering

    def facts(self, path: Path) -> Facts:
        """What is known of the values of a path of the stored documents.

        errors   Unread
        """
        found = self.facts_of(path)
        if path not in self.read:
            self.read[path] = self.number()
        return found

    def facts_of(self, path: Path) -> Facts:
        """What is known of the values of a path, whose values need not be in the table.

        errors   Unread; NotLowered for strings that DuckDB would not take
        """
        found = self._facts.get(path)
        if found is None:
            self.ask([path])
            found = self.columns.facts(path)
            if not found.is_utf8:
                raise NotLowered(f"strings at {shown(path)} that are no valid UTF-8")
            self._facts[path] = found
        return found

    def spread_value(self, path: Path) -> Value:
        """The value of a path with EACH, one row for each element: its columns have been unnested.

        errors   Unread
        """
        facts = self.facts_of(path)
        number = self.spread[path]
        slots = {slot: column(slot_column(number, slot)) for slot in slots_of(facts)}
        return Value(facts, _tag(number, facts, slots), slots) if facts.tags else literal(MISSING)

    def ask(self, paths: Iterable[Path]) -> None:
        """Ask for the columns of all these paths at once.

        errors   Unread; NotLowered for the elements of elements, of which there are no columns
        """
        paths = tuple(paths)
        for path in paths:
            if path.count(EACH) > 1:
                raise NotLowered(f"arrays inside the elements of {shown(path)}")
        unread = [path for path in paths if any(path not in segment.columns for segment in self.columns.segments)]
        if unread:
            raise Unread(*unread, collection=self.collection)

    def stored_value(self, path: Path) -> Value:
        """The value of a path of the stored documents, as columns have it: CROSSED where an array stands on the way.

        errors   Unread
        """
        facts = self.facts(path)
        if not facts.tags:
            return literal(MISSING)
        number = self.read[path]
        slots = {slot: column(slot_column(number, slot)) for slot in slots_of(facts)}
        value = Value(facts, _tag(number, facts, slots), slots)
        if EACH in path or facts.tags.isdisjoint({BsonType.ARRAY, BsonType.OBJECT}):
            return value
        origin = Origin(
            slots[OTHER],
            lambda: self.stored_listing(path),
            lambda rest: self.stored_value((*path, *rest)),
        )
        return replace(value, origin=origin)

    def stored_listing(self, path: Path) -> Listing:
        """The elements of the arrays at a path; none where no array stands there.

        errors   Unread
        """
        found = self._listing((*path, EACH))

        def inner(rest: Path) -> Listing:
            self.ask([(*path, EACH), (*path, EACH, *rest)])
            return self._listing((*path, EACH, *rest))

        return replace(found, origin=ListOrigin(found.items, inner, lambda: self._length((*path, EACH))))

    def _length(self, path: Path) -> Sql:
        if path not in self.lengths:
            self.lengths[path] = self.number()
        return column(length_column(self.lengths[path]))

    def lists_together(self, lists: Sequence[Sql]) -> Sql | None:
        """One list of structs {f0, f1, …} of the elements of several lists; None where these are of several arrays."""
        paths = {list_column(number): path for path, number in self.read.items() if EACH in path}
        found = tuple(paths[each.text] for each in lists if each.text in paths)
        if len(found) < len(lists) or len({path[: path.index(EACH)] for path in found}) > 1:
            return None
        if found not in self.together:
            self.together[found] = self.number()
        return column(list_column(self.together[found]))

    def crossed_listing(self, path: Path) -> Listing:
        """What is at a path in the documents of the arrays on its way; one stands there in the rows that count.

        errors   Unread; NotLowered where arrays stand in one another
        """
        ways = [(*path[:place], EACH, *path[place:]) for place in range(1, len(path))]
        self.ask(ways)
        return joined_lists([present(self._listing(way)) for way in ways])

    def _listing(self, path: Path) -> Listing:
        facts = self.facts(path)
        return Listing(column(list_column(self.read[path])), facts, holds_plain(facts), most=facts.most_elements)

    def stored_elements(self, path: Path) -> tuple[Facts, Sql]:
        """(what is known of the elements, the list of elements) of the arrays at a path; NULL where there is no array.

        The list holds the elements themselves where `holds_plain` says so, structs otherwise.

        errors   Unread
        """
        each = (*path, EACH)
        facts = self.facts(each)
        return facts, column(list_column(self.read[each]))


def slots_of(facts: Facts) -> list[str]:
    """The slots in which there is something."""
    return sorted({slot for slot in map(slot_of, facts.tags) if slot is not None})


def _tag(number: int, facts: Facts, slots: Mapping[str, Sql]) -> Sql:
    """The tags of a column: a constant where there is only one, computed where the slot tells, a column otherwise."""
    if needs_tags(facts):
        return column(tag_column(number))
    tags = facts.tags
    empty = [tag for tag in tags if slot_of(tag) is None]
    if len(tags) == 1:
        return tag_of(min(tags))
    ((_, values),) = slots.items()
    (full,) = tags - set(empty)
    return case([(sql("({} IS NULL)", values), integer(empty[0]))], integer(full))


def needs_tags(facts: Facts) -> bool:
    """Whether the tags of a column cannot be told from its slots: more than one kind of value, or of no value."""
    empty = sum(slot_of(tag) is None for tag in facts.tags)
    return len(facts.tags) > 1 and not (empty == 1 and len(facts.tags) == 2)


def tag_column(number: int) -> str:
    """The name of the column of tags."""
    return f"c{number}_tag"


def slot_column(number: int, slot: str) -> str:
    """The name of the column of a slot."""
    return f"c{number}_{slot.lower()}"


def length_column(number: int) -> str:
    """The name of the column of lengths of arrays."""
    return f"c{number}_length"


def list_column(number: int) -> str:
    """The name of the column of lists of elements."""
    return f"c{number}_list"


def spread_column(name: str) -> str:
    """The name of the column of lists that the column of elements is unnested from."""
    return f"l{name}"


def ordinals_column(number: int) -> str:
    """The name of the column of lists of the numbers that elements have in the whole collection, in its order."""
    return f"lc{number}_at"


def holds_plain(facts: Facts) -> bool:
    """Whether lists of elements hold the values themselves: all are of one slot, and none is null."""
    return len(facts.tags) == 1 and slot_of(min(facts.tags)) is not None


def lowered(
    stages: Sequence[Stage],
    columns_of: Callable[[Iterable[Path]], Columns],
    paths: Iterable[Path],
    variables: Mapping[str, Any],
    *,
    collates: bool = False,
    others: Others | None = None,
    random: Random | None = None,
) -> tuple[Lowering, Lowered]:
    """Lower stages, with the columns that they turn out to read.

    columns_of   gives columns of paths, of the same moment whenever it is asked
    paths        those that the stages seem to read
    others       other collections of the database; None where none may be read
    random       where $sample gets its chance from; None for nowhere
    """
    wanted: dict[str, dict[Path, None]] = {"": dict.fromkeys(paths)}
    while True:
        columns = columns_of(wanted[""])
        lowering = Lowering(columns, variables, collates=collates, others=others, random=random)
        lowering._wanted = wanted
        try:
            return lowering, lowering.lower(stages)
        except Unread as unread:
            asked = wanted.setdefault(unread.collection, {})
            if asked.keys() >= set(unread.paths):
                raise RuntimeError(f"columns that were asked for are not there: {unread.paths}") from unread
            asked.update(dict.fromkeys(unread.paths))
