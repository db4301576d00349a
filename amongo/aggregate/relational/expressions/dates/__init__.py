"""Dates in expressions: parts, building, text, moving, counting and cutting, in UTC and in constant time zones."""

from amongo.aggregate.relational.expressions.dates import building, moving, parts, text, truncating

__all__ = ["building", "moving", "parts", "text", "truncating"]
