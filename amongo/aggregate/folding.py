"""Folding documents into groups: what $group does once it is bound.

Where a group's key and the arguments of its accumulators are plain fields, which cannot fail, documents are first
sorted by their group, some hundred at a time, and each group takes in its share at once: a sum of doubles then costs a
few machine operations a value and gives the very same result.

Groups that do not fit in memory are spilled by partitions of their key's hash: documents of groups that are not in
memory by then go to files, and each file is folded for itself afterwards; one that is too large again is parted again,
by other bits of the hash. A fold whose states grow ($push) stops taking in documents altogether, so that what it holds
stays bounded; its groups go on when their partition's turn comes. Documents stay in their order within a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from bson import Int64, ObjectId

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.spilling import DOCUMENTS, Run, Spill
from amongo.aggregate.stages.memory import MemoryGauge
from amongo.errors import ServerError
from amongo.errors import expression as expression_errors
from amongo.errors import pipeline as errors
from amongo.mql.accumulators import Accumulation, Accumulator
from amongo.mql.expressions import Evaluate
from amongo.runtime.limits import CHECK_DOCUMENTS, FOLD_DOCUMENTS, SPILL_DEPTH, SPILL_PARTITIONS
from amongo.values.key_bytes import key_bytes
from amongo.values.missing import MISSING
from amongo.values.order import Collator

# Values of these types are in one group if Python finds them equal; a collation looks at strings otherwise.
_NUMBERS_AND_IDS: Final = frozenset({int, Int64, ObjectId, type(None)})
_WITH_STRINGS: Final = _NUMBERS_AND_IDS | {str}
_BITS: Final = SPILL_PARTITIONS.bit_length() - 1


class Group:
    """One group.

    key        the value of its first document
    states     of its folds
    awaiting   rows of the values that are still to be taken in, as `Fold.row_of` makes them. (Values and not
               documents: whole documents that live for a while would be looked at by the garbage collector again and
               again.)
    """

    __slots__ = ("awaiting", "key", "states")

    def __init__(self, key: Any, states: list[Accumulator]) -> None:
        self.key = key
        self.states = states
        self.awaiting: list[Any] = []


Groups = dict[bytes, Group]


@dataclass(frozen=True, slots=True)
class Fold:
    """A bound $group.

    key_of      the key of a document
    arguments   what each accumulation takes in of a document
    is_plain    neither the key nor an argument can fail
    fields      where each argument is a top-level field or a constant: the fields' names, and None for the constants;
                None otherwise
    """

    key_of: Evaluate
    names: tuple[str, ...]
    accumulations: tuple[Accumulation, ...]
    arguments: tuple[Evaluate, ...]
    collator: Collator | None
    is_plain: bool
    fields: tuple[str | None, ...] | None = None

    def row_of(self, variables: Mapping[str, Any]) -> Callable[[Document], Any]:
        """What gives the arguments' values of a document: a tuple, without the constants; the value, if it is one."""
        if self.fields is None:
            arguments = self.arguments
            return lambda document: tuple([argument(document, variables) for argument in arguments])
        names = [name for name in self.fields if name is not None]
        if len(names) < 2:
            return lambda document: document.get(names[0], MISSING) if names else None
        of_all = itemgetter(*names)

        def row(document: Document) -> Any:
            try:
                return of_all(document)
            except KeyError:
                return tuple([document.get(name, MISSING) for name in names])

        return row

    def columns(self, rows: list[Any], variables: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
        """The values of some rows, argument by argument."""
        if self.fields is None:
            yield from zip(*rows, strict=True)
            return
        has_one = sum(name is not None for name in self.fields) == 1
        columns = iter((rows,)) if has_one else zip(*rows, strict=True) if rows[0] is not None else iter(())
        for name, argument in zip(self.fields, self.arguments, strict=True):
            yield next(columns) if name is not None else (argument({}, variables),) * len(rows)

    def run(self, documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
        """The results, in the order of the groups' first documents as long as nothing is spilled.

        errors   those of the expressions, MEMORY_EXCEEDED, GROUP_TOO_LARGE, SPILL_TOO_LARGE, SPILL_DISK_FULL
        """
        return Folding(self, environment, 0, {}).results(documents)

    def result(self, group: Group) -> Document:
        """What comes out for a group."""
        result = {"_id": group.key}
        for name, state in zip(self.names, group.states, strict=True):
            value = state.result()
            if value is not MISSING:
                result[name] = value
        return result


class Folding:
    """One fold of many documents, or of one partition of them.

    level    how many times what comes in has been parted
    groups   those that there are already
    """

    def __init__(self, fold: Fold, environment: Environment, level: int, groups: Groups) -> None:
        self._fold = fold
        self._environment = environment
        self._variables: Mapping[str, Any] = environment.variables
        self._level = level
        self._groups = groups
        self._known: dict[Any, Group] = {}  # groups by their keys themselves, where Python tells these apart
        self._knowable = _NUMBERS_AND_IDS if fold.collator is not None else _WITH_STRINGS
        self._gauge = MemoryGauge(environment.held_bytes)
        self._growing = [place for place, each in enumerate(fold.accumulations) if each.grows]
        self._spill: Spill | None = None
        self._partitions: dict[int, Run[Document]] = {}

    def results(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Fold the documents; the results."""
        try:
            self._take_in(iter(documents))
            waiting: dict[int, Groups] = {}
            if self._spill is not None and self._growing:
                waiting = self._parted()
            else:
                yield from self._finished(self._groups)
            self._groups, self._known = {}, {}
            for place in sorted({*waiting, *self._partitions}):
                groups = waiting.pop(place, {})
                partition = self._partitions.get(place)
                if partition is None:
                    yield from self._finished(groups)
                    continue
                rest = (document for _, document in partition.pairs())
                yield from Folding(self._fold, self._environment, self._level + 1, groups).results(rest)
        finally:
            if self._spill is not None:
                self._spill.close()

    def _finished(self, groups: Groups) -> Iterator[Document]:
        return map(self._fold.result, self._environment.interrupt.watch(groups.values()))

    def _parted(self) -> dict[int, Groups]:
        """The groups by partitions."""
        parted: dict[int, Groups] = {}
        for packed, group in self._groups.items():
            parted.setdefault(self._place(packed), {})[packed] = group
        return parted

    def _place(self, packed: bytes) -> int:
        return (hash(packed) >> (_BITS * self._level)) % SPILL_PARTITIONS

    # Taking in

    def _take_in(self, documents: Iterator[Document]) -> None:
        if not self._fold.is_plain or self._growing:
            self._one_by_one(self._environment.interrupt.watch(documents))
            return
        key_of, variables, check = self._fold.key_of, self._variables, self._environment.interrupt.check
        known, knowable, row_of = self._known, self._knowable, self._fold.row_of(self._variables)
        touched: list[Group] = []
        taken = 0
        while few := list(islice(documents, CHECK_DOCUMENTS)):
            check()
            for document in few:
                key = key_of(document, variables)
                group = known.get(key) if type(key) in knowable else None
                if group is None:
                    group = self._group(key, document)
                    if group is None:
                        continue
                if not group.awaiting:
                    touched.append(group)
                group.awaiting.append(row_of(document))
            taken += CHECK_DOCUMENTS
            if taken >= FOLD_DOCUMENTS:
                self._flush(touched)
                touched, taken = [], 0
        self._flush(touched)

    def _flush(self, groups: list[Group]) -> None:
        """Let groups take in what awaits them."""
        fold, variables = self._fold, self._variables
        for group in groups:
            rows, group.awaiting = group.awaiting, []
            if not group.states:
                continue
            for values, state in zip(fold.columns(rows, variables), group.states, strict=True):
                add_many = getattr(state, "add_many", None) if len(values) > 1 else None
                if add_many is not None:
                    add_many(values)
                else:
                    for value in values:
                        state.add(value)

    def _one_by_one(self, documents: Iterator[Document]) -> None:
        fold, variables, growing = self._fold, self._variables, self._growing
        every = range(len(fold.arguments))
        known, knowable = self._known, self._knowable
        for document in documents:
            try:
                key = fold.key_of(document, variables)
                values = [argument(document, variables) for argument in fold.arguments]
            except ServerError as failure:
                raise _as_in_group(failure) from None
            group = known.get(key) if type(key) in knowable else None
            if group is None:
                group = self._group(key, document)
                if group is None:
                    continue
            states = group.states
            for index in every:
                states[index].add(values[index])
            for index in growing:
                if self._gauge.is_full_with(values[index]):
                    self._begin_spilling()

    def _group(self, key: Any, document: Document) -> Group | None:
        """The group of a document, begun if it is the first; None if it is put aside."""
        if key is MISSING:
            key = None
        packed = key_bytes(key, self._fold.collator)
        group = self._groups.get(packed)
        if self._spill is not None and (group is None or self._growing):
            self._put_aside(self._spill, packed, document)
            return None
        if group is None:
            states = [accumulation.create(key, self._variables) for accumulation in self._fold.accumulations]
            group = self._groups[packed] = Group(key, states)
            for _ in range(1 + len(states)):
                if self._gauge.is_full_with(key):
                    self._begin_spilling()
        if type(key) in self._knowable:
            self._known[key] = group
        return group

    def _begin_spilling(self) -> None:
        """From now on, put aside documents of other groups; of all groups, if their states grow.

        errors   MEMORY_EXCEEDED where nothing may be put aside, GROUP_TOO_LARGE
        """
        if self._spill is not None or (not self._growing and len(self._groups) < SPILL_PARTITIONS):
            return
        if self._level and (len(self._groups) == 1 or self._level == SPILL_DEPTH):
            raise errors.GROUP_TOO_LARGE(limit=self._environment.held_bytes)
        self._spill = Spill.of(self._environment, "$group")
        if self._growing:
            self._known.clear()

    def _put_aside(self, spill: Spill, packed: bytes, document: Document) -> None:
        place = self._place(packed)
        partition = self._partitions.get(place)
        if partition is None:
            partition = self._partitions[place] = spill.run(DOCUMENTS)
        partition.add(packed, document)


def _as_in_group(failure: ServerError) -> ServerError:
    """A failed expression's error as $group reports it: the server runs it in another engine, with other numbers."""
    for outside, inside in (
        (expression_errors.DIVIDE_BY_ZERO, expression_errors.DIVIDE_BY_ZERO_IN_GROUP),
        (expression_errors.MOD_BY_ZERO, expression_errors.MOD_BY_ZERO_IN_GROUP),
    ):
        if (failure.code, failure.message) == (outside.code, outside.template):
            return inside()
    return failure
