"""$lookup: to each document an array of documents of another collection, by equality, by a pipeline, or by both.

A rewrite pass may join a $unwind of that array into it: then one document comes out for each partner, and the array is
never built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bson import Int64

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.joining import KeptSource, Partners, Source, hashed_partners, local_values, open_partners
from amongo.aggregate.stages.foreign import check_collection_name
from amongo.aggregate.stages.memory import MemoryBound
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Rewrite, Run, Stage, Surroundings
from amongo.aggregate.stages.unwind import Unwind, with_value
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Evaluate, Expression
from amongo.mql.expressions.scope import check_write_name
from amongo.runtime.limits import LOOKUP_BYTES
from amongo.values.missing import MISSING
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, field_path
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

_UNMEASURED: Final = 4  # so many partners are not measured: they fit


@dataclass(frozen=True, slots=True)
class Lookup(Stage):
    """A join.

    collection    where to look; None for a pipeline that makes its own documents
    equality      local and foreign path, or None
    bindings      `let`: names and the expressions that a document gives them
    pipeline      what runs over the documents found, or None
    unwind        takes the array apart at once; None for leaving it
    """

    collection: str | None
    into: FieldPath
    equality: tuple[FieldPath, FieldPath] | None
    bindings: tuple[tuple[str, Expression], ...]
    pipeline: Pipeline | None
    collator: Collator | None
    unwind: Unwind | None = None

    def rewritten(self, rewrite: Rewrite) -> Lookup:
        if self.pipeline is None or (pipeline := rewrite(self.pipeline)) is self.pipeline:
            return self
        return replace(self, pipeline=pipeline)

    def unwound(self, unwind: Unwind) -> Lookup:
        """The same with a $unwind of its array behind it."""
        return replace(self, unwind=unwind)

    def bind(self) -> Run:
        into, unwind = self.into.parts, self.unwind
        bindings = tuple((name, expression.bind()) for name, expression in self.bindings)

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            join: _Join = _Equal(self, environment) if self.equality is not None else _All(self, environment)
            interrupt = environment.interrupt
            try:
                for document in documents:
                    interrupt.check()
                    values = _values_of(bindings, document, environment) if bindings else {}
                    found = join.found(document, values)
                    if unwind is None:
                        yield with_value(document, into, held_partners(self.collection, interrupt.watch(found)))
                    else:
                        yield from _unwound(document, interrupt.watch(found), unwind)
            finally:
                join.close()

        return run


def held_partners(collection: str | None, found: Iterable[Document]) -> list[Document]:
    """The array of what is found. errors: LOOKUP_TOO_LARGE."""
    held = []
    bound: MemoryBound | None = None
    for each in found:
        held.append(each)
        if len(held) > _UNMEASURED:
            if bound is None:
                bound = MemoryBound(str(collection), LOOKUP_BYTES, errors.LOOKUP_TOO_LARGE)
            bound.add(each)
    return held


def _values_of(
    bindings: tuple[tuple[str, Evaluate], ...], document: Document, environment: Environment
) -> Mapping[str, Any]:
    return {name: evaluate(document, environment.variables) for name, evaluate in bindings}


def _unwound(document: Document, found: Iterable[Document], unwind: Unwind) -> Iterator[Document]:
    """What $unwind would make of the document with the array of what is found."""
    into, index = unwind.path.parts, unwind.index
    position = -1
    for position, partner in enumerate(found):
        unwound = with_value(document, into, partner)
        yield unwound if index is None else with_value(unwound, index.parts, Int64(position))
    if position < 0 and unwind.preserve:
        document = with_value(document, into, MISSING)
        yield document if index is None else with_value(document, index.parts, None)


class _Join:
    """One run of a $lookup. What it reads is opened with the first document."""

    def __init__(self, stage: Lookup, environment: Environment) -> None:
        self._stage = stage
        self._environment = environment
        self._inside = environment.on(stage.collection)

    def found(self, document: Document, values: Mapping[str, Any]) -> Iterable[Document]:
        """What is found for a document; `values` are those of `let`. It has to be read to its end."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back files."""
        raise NotImplementedError


class _Equal(_Join):
    """By equality: partners, and the pipeline over them."""

    def __init__(self, stage: Lookup, environment: Environment) -> None:
        super().__init__(stage, environment)
        assert stage.equality is not None
        self._local, self._foreign = stage.equality
        self._partners: Partners | None = None
        self._rest = stage.pipeline
        self._accepts: Callable[[Document], Any] | None = None
        self._accept_fields: frozenset[str] | None = frozenset()
        if self._rest is not None and stage.collection is None:
            self._rest = self._rest.after(1)  # equal values are looked for in what its $documents gives
        elif self._rest is not None and not stage.bindings:
            match, rest = self._rest.leading_match()
            if match is not None and match.is_steady:
                self._accepts, self._accept_fields = match.opened(environment), match.fields
                self._rest = rest

    def found(self, document: Document, values: Mapping[str, Any]) -> Iterable[Document]:
        if self._partners is None or (self._stage.collection is None and values):
            self.close()
            self._partners = self._open(values)
        found = self._partners.find(local_values(document, self._local))
        if self._rest is None or not self._rest.stages:
            return found
        return self._rest.run(found, self._inside.with_variables(values) if values else self._inside)

    def _open(self, values: Mapping[str, Any]) -> Partners:
        stage, environment = self._stage, self._environment
        if stage.collection is not None:
            return open_partners(
                environment, stage.collection, self._foreign, stage.collator, self._accepts, self._accept_fields
            )
        assert stage.pipeline is not None
        made = stage.pipeline.only(0)
        source = KeptSource(lambda: made.run((), self._inside.with_variables(values)), environment)
        return hashed_partners(source, self._foreign, stage.collator, environment)

    def close(self) -> None:
        if self._partners is not None:
            self._partners.close()


class _All(_Join):
    """The pipeline over all documents of the other collection; where nothing is bound it gives the same each time."""

    def __init__(self, stage: Lookup, environment: Environment) -> None:
        super().__init__(stage, environment)
        self._documents: Source | None = None
        name = stage.collection
        if name is not None:
            self._documents = KeptSource(
                lambda: environment.read(environment.database, name), environment, spills=False
            )
        self._unchanging = None if stage.bindings else KeptSource(lambda: self._made({}), environment)

    def found(self, document: Document, values: Mapping[str, Any]) -> Iterable[Document]:
        if self._unchanging is not None:
            return (each for _, each in self._unchanging.stream())
        return self._made(values)

    def _made(self, values: Mapping[str, Any]) -> Iterable[Document]:
        documents: Iterable[Document] = ()
        if self._documents is not None:
            documents = (each for _, each in self._documents.stream())
        if self._stage.pipeline is None:
            return documents
        return self._stage.pipeline.run(documents, self._inside.with_variables(values) if values else self._inside)

    def close(self) -> None:
        for source in (self._documents, self._unchanging):
            if source is not None:
                source.close()


_FIELDS = ("from", "localField", "foreignField", "let", "pipeline", "as")


@stage("$lookup")
def parse_lookup(spec: Any, surroundings: Surroundings) -> Lookup:
    """To each document an array of documents of another collection.

    spec     {from, localField, foreignField, as}: equal values (an array on either side: any element; missing is
             null); {from, let, pipeline, as}: what the pipeline gives; all together: the pipeline over equal values
    result   each document with the array at the path `as`; hits in natural order
    errors   LOOKUP_INVALID, LOOKUP_TYPE, LOOKUP_UNKNOWN_FIELD, INVALID_NAMESPACE, NOT_IN_LOOKUP, those of the pipeline;
             when run LOOKUP_TOO_LARGE, MEMORY_EXCEEDED, SPILL_TOO_LARGE, SPILL_DISK_FULL
    source   manual, $lookup
    """
    if type(spec) is not dict:
        raise _invalid(f"the $lookup stage specification must be an object, but found {alias(spec)}")
    stages = spec.get("pipeline")
    collection = _parse_from(spec, stages)
    for field in spec:
        if field not in _FIELDS:
            raise errors.LOOKUP_UNKNOWN_FIELD(field=field)
    for field in ("as", "localField", "foreignField"):
        if field in spec and type(spec[field]) is not str and (field == "as" or spec[field] is not None):
            raise errors.LOOKUP_TYPE(field=field, kind=alias(spec[field]), expected="string")
    if "as" not in spec:
        raise _invalid("must specify 'as' field for a $lookup")
    local, foreign = spec.get("localField") or None, spec.get("foreignField") or None
    if (local is None) != (foreign is None):
        raise _invalid("$lookup requires both or neither of 'localField' and 'foreignField' to be specified")
    if local is None and "pipeline" not in spec:
        raise _invalid("$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified")
    let = spec.get("let")
    if let is not None and "pipeline" not in spec:
        raise _invalid("$lookup with a 'let' argument must also specify 'pipeline'")
    bindings = _parse_let({} if let is None else let, surroundings)
    pipeline = None
    if "pipeline" in spec:
        scope = surroundings.scope.with_names([name for name, _ in bindings])
        inside = surroundings.inside("$lookup", scope=scope, has_collection=collection is not None)
        pipeline = surroundings.parse_pipeline(stages, inside)
    return Lookup(
        collection,
        field_path(spec["as"]),
        None if local is None or foreign is None else (field_path(local), field_path(foreign)),
        bindings,
        pipeline,
        surroundings.scope.collator,
    )


def _invalid(message: str) -> Exception:
    return errors.LOOKUP_INVALID(message=message)


def _parse_from(spec: Document, stages: Any) -> str | None:
    """The collection to look in; None when the pipeline begins with $documents.

    errors   LOOKUP_INVALID, LOOKUP_TYPE, LOOKUP_UNKNOWN_FIELD, INVALID_NAMESPACE
    """
    makes_documents = bool(type(stages) is list and stages and type(stages[0]) is dict and "$documents" in stages[0])
    if "from" not in spec:
        if not makes_documents:
            raise _invalid("must specify 'from' field for a $lookup")
        return None
    name = spec["from"]
    if type(name) is dict:
        for field, value in name.items():
            if field not in ("db", "coll"):
                raise errors.LOOKUP_UNKNOWN_FIELD(field=f"from.{field}")
            if type(value) is not str:
                raise errors.LOOKUP_TYPE(field=f"from.{field}", kind=alias(value), expected="string")
        raise _invalid("$lookup with syntax {from: {db:<>, coll:<>},..} is not supported for this namespace")
    if type(name) is not str:
        raise _invalid(f"$lookup argument 'from' must be a string, is type {alias(name)}")
    if makes_documents:
        raise errors.NEEDS_NO_COLLECTION(name="$documents")
    return check_collection_name(name)


def _parse_let(let: Any, surroundings: Surroundings) -> tuple[tuple[str, Expression], ...]:
    if type(let) is not dict:
        raise errors.LOOKUP_TYPE(field="let", kind=alias(let), expected="object")
    bindings = []
    for name, value in let.items():
        check_write_name(name)
        bindings.append((name, surroundings.parse(value)))
    return tuple(bindings)
