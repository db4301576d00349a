"""What an SQL text of a user reads, from DuckDB's own syntax tree of it: tables, and nothing that is no data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import duckdb

_NODES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "CTE_NODE", "RECURSIVE_CTE_NODE"})
_TABLE_FUNCTIONS: Final = frozenset({"range", "generate_series", "unnest"})
_FUNCTIONS: Final = frozenset(
    {"current_setting", "getenv", "getvariable", "nextval", "currval", "query", "query_table", "which_secret"}
)


class Refused(Exception):
    """A text that is not one SELECT over tables."""


def tables_read(connection: duckdb.DuckDBPyConnection, text: str) -> set[str]:
    """The names of the tables that a text reads.

    errors   Refused, with what is wrong
    """
    row = connection.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    if tree["error"]:
        raise Refused(tree["error_message"])
    if len(tree["statements"]) != 1:
        raise Refused("it has to be one SELECT")
    named: set[str] = set()
    own: set[str] = set()
    for node in _nodes(tree["statements"]):
        _check(node)
        if node.get("type") == "BASE_TABLE":
            named.add(node["table_name"])
        own.update(each["key"] for each in (node.get("cte_map") or {}).get("map", ()))
    return named - own


def _check(node: dict[str, Any]) -> None:
    kind = node.get("type")
    if isinstance(kind, str) and (kind == "SHOW_REF" or (kind.endswith("_NODE") and kind not in _NODES)):
        raise Refused("it has to be one SELECT")
    if kind == "BASE_TABLE" and (node.get("schema_name") or node.get("catalog_name")):
        raise Refused(f"there is no table {node['schema_name']}.{node['table_name']}")
    if kind == "TABLE_FUNCTION":
        name = (node.get("function") or {}).get("function_name")
        if name not in _TABLE_FUNCTIONS:
            raise Refused(f"the table function {name} is not there")
    if node.get("class") == "FUNCTION" and node["function_name"] in _FUNCTIONS:
        raise Refused(f"the function {node['function_name']} is not there")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _nodes(each)
