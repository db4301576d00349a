"""$lookup: to each document an array of documents of another collection, by equality, by a pipeline, or by both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amongo.aggregate.environment import Document, Environment
from amongo.aggregate.stages.foreign import ValueIndex, check_collection_name, local_values
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.stage import Run, Stage, Surroundings
from amongo.aggregate.stages.unwind import with_value
from amongo.errors import pipeline as errors
from amongo.mql.expressions import Expression
from amongo.mql.expressions.scope import check_write_name
from amongo.values.order import Collator
from amongo.values.paths import FieldPath, field_path
from amongo.values.types import alias

if TYPE_CHECKING:
    from amongo.aggregate.pipeline import Pipeline

Find = Callable[[Document], Iterable[Document]]


@dataclass(frozen=True, slots=True)
class Lookup(Stage):
    """A join.

    collection    where to look; None for a pipeline that makes its own documents
    equality      local and foreign path, or None
    bindings      `let`: names and the expressions that a document gives them
    pipeline      what runs over the documents found, or None
    """

    collection: str | None
    into: FieldPath
    equality: tuple[FieldPath, FieldPath] | None
    bindings: tuple[tuple[str, Expression], ...]
    pipeline: Pipeline | None
    collator: Collator | None

    def bind(self) -> Run:
        into = self.into.parts
        bindings = tuple((name, expression.bind()) for name, expression in self.bindings)
        pipeline = self.pipeline
        if self.collection is None and self.equality is not None and pipeline is not None:
            pipeline = pipeline.after(1)  # equal values are looked for in what its $documents gives

        def run(documents: Iterable[Document], environment: Environment) -> Iterator[Document]:
            find: Find | None = None
            unchanging: list[Document] | None = None
            for document in documents:
                environment.interrupt.check()
                values = {name: evaluate(document, environment.variables) for name, evaluate in bindings}
                if unchanging is not None:
                    found = unchanging
                else:
                    inside = environment.with_variables(values).on(self.collection)
                    if find is None or self.collection is None:
                        find = self._open(inside)
                    found = list(find(document))
                    if pipeline is not None:
                        found = list(pipeline.run(found, inside))
                        if not bindings and self.equality is None:
                            unchanging = found
                yield with_value(document, into, found)

        return run

    def _open(self, environment: Environment) -> Find:
        """Read the other collection once, or make its documents; the result finds a document's partners in it."""
        held: list[Document] = []
        if self.collection is not None:
            held.extend(environment.interrupt.watch(environment.read(environment.database, self.collection)))
        if self.equality is None:
            return lambda document: held
        if self.collection is None and self.pipeline is not None:
            held.extend(self.pipeline.only(0).run((), environment))
        local, foreign = self.equality
        index = ValueIndex(held, foreign, self.collator, environment.interrupt)
        return lambda document: index.find(local_values(document, local))


_FIELDS = ("from", "localField", "foreignField", "let", "pipeline", "as")


@stage("$lookup")
def parse_lookup(spec: Any, surroundings: Surroundings) -> Lookup:
    """To each document an array of documents of another collection.

    spec     {from, localField, foreignField, as}: equal values (an array on either side: any element; missing is
             null); {from, let, pipeline, as}: what the pipeline gives; all together: the pipeline over equal values
    result   each document with the array at the path `as`; hits in natural order
    errors   LOOKUP_INVALID, LOOKUP_TYPE, LOOKUP_UNKNOWN_FIELD, INVALID_NAMESPACE, NOT_IN_LOOKUP, those of the pipeline
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
