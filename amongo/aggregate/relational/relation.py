"""A relation: rows with columns, as the SQL that gives them, grown from the inside out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from amongo.aggregate.relational.sql import TRUE, Sql, listed, sql, word

NOTHING_MORE: Final = Sql("")


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows with columns.

    source    what stands behind FROM
    computed  columns of the SELECT around it, beside those of the source: (name, expression over columns of the source)
    most      how many rows there are at most; None where that is not known. Whatever makes more rows of one makes a
              relation anew, and says how many
    """

    source: Sql
    computed: tuple[tuple[str, Sql], ...] = ()
    most: int | None = None

    def with_columns(self, columns: Iterable[tuple[str, Sql]]) -> Relation:
        """The same rows with more columns: (name, expression over the columns there are)."""
        columns = tuple(columns)
        here = {name for name, _ in self.computed}
        if any(expression.columns & here for _, expression in columns):
            return Relation(self.as_source(), columns, self.most)
        return replace(self, computed=self.computed + columns)

    def where(self, condition: Sql) -> Relation:
        """The rows for which a condition holds."""
        if condition == TRUE:
            return self
        return Relation(sql("(SELECT * FROM {} WHERE {})", self.as_source(), condition), most=self.most)

    def selected(self, columns: Iterable[tuple[str, Sql]], *, rest: Sql = NOTHING_MORE) -> Relation:
        """Rows of these columns alone: (name, expression).

        rest   what stands behind FROM: " GROUP BY …" and the like
        """
        columns = list(columns)
        items = listed(sql("{} AS {}", expression, word(name)) for name, expression in columns)
        return Relation(sql("(SELECT {} FROM {}{})", items, self.as_source(), rest))

    def followed(self, rest: Sql) -> Relation:
        """The rows as a clause leaves them: " ORDER BY …", " LIMIT …"."""
        return Relation(sql("(SELECT * FROM {}{})", self.as_source(), rest), most=self.most)

    def as_source(self) -> Sql:
        """What can stand behind FROM."""
        if not self.computed:
            return self.source
        columns = listed(sql("{} AS {}", expression, word(name)) for name, expression in self.computed)
        return sql("(SELECT *, {} FROM {})", columns, self.source)

    def statement(self, columns: Iterable[Sql], rest: Sql = NOTHING_MORE) -> Sql:
        """The SELECT of these columns."""
        return sql("SELECT {} FROM {}{}", listed(columns), self.as_source(), rest)
