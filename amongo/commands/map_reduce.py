"""mapReduce: fold documents by functions in JavaScript. There is no engine for it: the command is read and refused.

A server that was started with scripting off fails at the first document that it gives to `map`; here the command fails
also where there is no document. Source: manual, mapReduce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from bson.code import Code

from amongo.commands.command import Command
from amongo.commands.context import Context
from amongo.commands.fields import Field, parse_fields
from amongo.commands.namespaces import collection_namespace
from amongo.commands.views import refuse_view
from amongo.errors import command as errors
from amongo.errors import scripting as scripting_errors
from amongo.mql.matcher import parse_filter
from amongo.mql.sort_keys import parse_sort
from amongo.values.numbers import exact_integer

if TYPE_CHECKING:
    from amongo.commands.instance import Instance

FIELDS: Final = {
    "map": Field(required=True),
    "reduce": Field(required=True),
    "out": Field(required=True),
    "query": Field("object"),
    "sort": Field("object"),
    "collation": Field("object"),
    "limit": Field("integer", minimum=0, bound_code=2),
    "finalize": Field(),
    "scope": Field("object"),
    "verbose": Field("bool"),
    "bypassDocumentValidation": Field("bool"),
    "jsMode": Field("bool"),
}
_TARGETS: Final = ("replace", "merge", "reduce")


@dataclass(frozen=True, slots=True)
class MapReduceRequest:
    """A mapReduce that was found to be well written: all that is asked of it is its namespace."""

    namespace: str


def parse(database: str, document: dict[str, Any]) -> MapReduceRequest:
    """The request of a mapReduce command.

    errors   those of `parse_fields`, COLLECTION_NAME_TYPE, INVALID_NAMESPACE; BAD_VALUE for functions that are neither
             strings nor code and for an `out` of another shape; those of the query and of the sort
    """
    command = next(iter(document))
    fields = parse_fields(command, document, FIELDS)
    for name in ("map", "reduce", "finalize"):
        if not (type(fields[name]) in (str, Code) or (name == "finalize" and fields[name] is None)):
            raise errors.BAD_VALUE(message=f"'{name}' must be of string or code type")
    _check_out(fields["out"])
    parse_filter(fields["query"] or {}, may_search=True)
    if fields["sort"]:
        parse_sort(fields["sort"], is_stage=True)
    return MapReduceRequest(collection_namespace(database, document[command]))


def _check_out(out: Any) -> None:
    """Refuse what is no place for the results.

    errors   BAD_VALUE
    """
    if type(out) is str:
        return
    if type(out) is not dict:
        raise errors.BAD_VALUE(message="'out' must be either a string or an object")
    if "inline" in out:
        if len(out) != 1 or exact_integer(out["inline"]) != 1:
            raise errors.BAD_VALUE(message="'inline' takes only numeric '1', and no other field beside it")
        return
    target = next((name for name in _TARGETS if name in out), None)
    if target is None:
        raise errors.BAD_VALUE(message="'out' requires 'replace', 'merge' or 'reduce'")
    for name, value in out.items():
        if name in (target, "db"):
            if type(value) is not str:
                raise errors.BAD_VALUE(message=f"'{name}' supports only string consisting of output collection name")
        elif name not in ("sharded", "nonAtomic"):
            raise errors.BAD_VALUE(message="'out' supports only output type with collection name, and 'db'")
        elif value is not True:
            raise errors.BAD_VALUE(message=f"{name} field value must be true")


def run(instance: Instance, request: MapReduceRequest, context: Context) -> NoReturn:
    """Nothing. errors: IS_A_VIEW, NO_ENGINE_IN_MAP_REDUCE"""
    refuse_view(instance.store.catalog, request.namespace)
    raise scripting_errors.NO_ENGINE_IN_MAP_REDUCE()


COMMAND = Command("mapReduce", parse, run, aliases=("mapreduce",), is_quick=True)
