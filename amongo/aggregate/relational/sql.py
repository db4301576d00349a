"""Text of statements, from a closed vocabulary: every value of a user is a bound parameter, never text.

`sql("({} + {})", left, right)` puts parts in the places of a template; templates are written in the code, names of
columns are our own (`column`), numbers that we have computed may be written as digits (`integer`), and whatever comes
from a user or a document goes by `parameter`. A test reads the code and refuses any other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*\Z")
_TYPE: Final = re.compile(r"[A-Z]+\Z")


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of a statement.

    text         with a `?` for each parameter
    parameters   the values of these, in the order of the text
    columns      names of the columns that it reads
    """

    text: str
    parameters: tuple[Any, ...] = ()
    columns: frozenset[str] = frozenset()

    @property
    def is_simple(self) -> bool:
        """Whether it is a column or a constant, so that repeating it costs nothing."""
        return len(self.text) < 40 and "(" not in self.text


def sql(template: str, *parts: Sql) -> Sql:
    """The template with the parts in the places of its `{}`."""
    columns = frozenset().union(*(part.columns for part in parts)) if parts else frozenset()
    parameters = tuple(each for part in parts for each in part.parameters)
    return Sql(template.format(*(part.text for part in parts)), parameters, columns)


def listed(parts: Iterable[Sql]) -> Sql:
    """The parts, with commas between."""
    return joined(", ", parts)


def joined(separator: str, parts: Iterable[Sql]) -> Sql:
    """The parts, with a separator between: " AND ", " OR ", " + ", ", "."""
    parts = list(parts)
    return sql(separator.join("{}" for _ in parts), *parts)


def column(name: str) -> Sql:
    """A column by its name, one of ours."""
    assert _NAME.match(name), name
    return Sql(name, (), frozenset({name}))


def word(name: str) -> Sql:
    """A name of ours that is no column that could be read: an alias, a variable of a lambda, a field of a struct."""
    assert _NAME.match(name), name
    return Sql(name)


def integer(value: int) -> Sql:
    """A whole number of our own, as digits."""
    return Sql(f"({int(value)})" if value < 0 else f"{int(value)}")


def power_of_two(exponent: int) -> Sql:
    """2**exponent as a DOUBLE, exactly; of an exponent that a double has."""
    return parameter(2.0**exponent, "DOUBLE")


def parameter(value: Any, kind: str) -> Sql:
    """A value of a user, bound.

    kind   the SQL type that it has: "BIGINT", "DOUBLE", "VARCHAR", "BLOB", "BOOLEAN", "TINYINT", "HUGEINT", or one
           of these with "[]" for a list
    """
    base = kind.removesuffix("[]")
    assert _TYPE.match(base), kind
    return Sql(f"CAST(? AS {kind})", (tuple(value) if type(value) is list else value,))


NULL: Final = Sql("NULL")
TRUE: Final = Sql("TRUE")
FALSE: Final = Sql("FALSE")


def all_of(conditions: Iterable[Sql]) -> Sql:
    """AND; TRUE of none."""
    parts = [each for each in conditions if each != TRUE]
    if FALSE in parts:
        return FALSE
    return TRUE if not parts else parts[0] if len(parts) == 1 else sql("({})", joined(" AND ", parts))


def any_of(conditions: Iterable[Sql]) -> Sql:
    """OR; FALSE of none."""
    parts = [each for each in conditions if each != FALSE]
    if TRUE in parts:
        return TRUE
    return FALSE if not parts else parts[0] if len(parts) == 1 else sql("({})", joined(" OR ", parts))


def negated(condition: Sql) -> Sql:
    """NOT, of a condition that is never NULL."""
    return FALSE if condition == TRUE else TRUE if condition == FALSE else sql("(NOT {})", condition)


def case(branches: Iterable[tuple[Sql, Sql]], otherwise: Sql) -> Sql:
    """CASE WHEN … THEN … ELSE … END; the branches that can be told to be (not) taken are left out."""
    parts: list[Sql] = []
    for condition, result in branches:
        if condition == FALSE:
            continue
        if condition == TRUE:
            otherwise = result
            break
        parts += [condition, result]
    if not parts or all(result == otherwise for result in parts[1::2]):
        return otherwise
    whens = joined(" ", [sql("WHEN {} THEN {}", *parts[each : each + 2]) for each in range(0, len(parts), 2)])
    return sql("(CASE {} ELSE {} END)", whens, otherwise)
