"""$fill: values for null and missing fields."""

from __future__ import annotations

from typing import Any, Final

from amongo.aggregate.environment import Document
from amongo.aggregate.stages.add_fields import AddFields
from amongo.aggregate.stages.computed_fields import parse_computed_fields
from amongo.aggregate.stages.options import ANY, parse_options
from amongo.aggregate.stages.registry import stage
from amongo.aggregate.stages.set_window_fields import build, parse_partition
from amongo.aggregate.stages.stacked import Stacked
from amongo.aggregate.stages.stage import Stage, Surroundings
from amongo.errors import command as command_errors
from amongo.errors import window as errors
from amongo.values.types import alias

_METHODS: Final = {"locf": "$locf", "linear": "$linearFill"}
_OPTIONS: Final = {"sortBy": "object", "partitionByFields": "array", "partitionBy": ANY, "output": "object"}


@stage("$fill")
def parse_fill(spec: Any, surroundings: Surroundings) -> Stage:
    """Values for null and missing fields.

    spec     {sortBy: pattern, partitionBy: expression | partitionByFields: [path, …],
             output: {path: {value: expression} | {method: "linear" | "locf"}, …}}
    result   all documents; with a method ordered as by $setWindowFields; the fields set as $addFields does
    errors   the FILL_ conditions of `amongo.errors.window`, those of $setWindowFields, $linearFill and $addFields
    order    methods first, then values
    source   manual, $fill
    """
    if type(spec) is not dict:
        raise errors.FILL_NOT_OBJECT(kind=alias(spec))
    options = parse_options("$fill", spec, _OPTIONS)
    _check_partition_types(options)
    if "output" not in spec:
        raise command_errors.MISSING_FIELD(command="$fill", field="output")
    functions, values = _parse_output(options.get("output", {}))
    partition = _partition_spec(options)
    stages: list[Stage] = []
    if functions:
        parsed = None if partition is None else parse_partition(partition, surroundings)
        stages.append(build(parsed, options.get("sortBy"), functions, surroundings))
    if values:
        stages.append(AddFields(parse_computed_fields(values, surroundings)))
    return Stacked(tuple(stages))


def _check_partition_types(options: Document) -> None:
    """Refuse partitions of wrong types.

    errors   WRONG_TYPE
    """
    partition = options.get("partitionBy")
    if partition is not None and type(partition) not in (dict, str):
        raise command_errors.WRONG_TYPE(
            command="$fill", field="partitionBy", actual=alias(partition), expected="types '[object, string]'"
        )
    for place, path in enumerate(options.get("partitionByFields", ())):
        if type(path) is not str:
            raise command_errors.WRONG_TYPE(
                command="$fill", field=f"partitionByFields.{place}", actual=alias(path), expected="type 'string'"
            )


def _parse_output(output: Document) -> tuple[Document, Document]:
    """(output fields for $setWindowFields, fields for $addFields).

    errors   FILL_EMPTY, FILL_OUTPUT_NOT_OBJECT, FILL_METHOD_AND_VALUE, FILL_METHOD, UNKNOWN_FIELD, WRONG_TYPE
    """
    if not output:
        raise errors.FILL_EMPTY()
    functions: Document = {}
    values: Document = {}
    for path, given in output.items():
        if type(given) is not dict:
            raise errors.FILL_OUTPUT_NOT_OBJECT()
        filling = parse_options("$fill", given, {"value": ANY, "method": "string"})
        if "method" in filling:
            if "value" in filling:
                raise errors.FILL_METHOD_AND_VALUE()
            if filling["method"] not in _METHODS:
                raise errors.FILL_METHOD()
            functions[path] = {_METHODS[filling["method"]]: f"${path}"}
        elif "value" in filling:
            values[path] = {"$ifNull": [f"${path}", filling["value"]]}
    return functions, values


def _partition_spec(options: Document) -> Any:
    """What tells partitions apart, as an expression for $setWindowFields; None for nothing.

    errors   FILL_PARTITION_TWICE
    """
    partition, paths = options.get("partitionBy"), options.get("partitionByFields")
    if partition is not None and paths is not None:
        raise errors.FILL_PARTITION_TWICE()
    return partition if paths is None else {path: f"${path}" for path in paths}
