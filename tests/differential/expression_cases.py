"""An expression computed in both ways over the same documents, without a stage around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amongo.aggregate.relational.frame import Frame
from amongo.aggregate.relational.lowering import TABLE, Lowering, Unread
from amongo.aggregate.relational.output import statement_of, whole_documents
from amongo.aggregate.relational.relation import Relation
from amongo.aggregate.relational.scope import Scope
from amongo.aggregate.relational.sql import word
from amongo.aggregate.relational.tables import table_of
from amongo.aggregate.relational.values import NotLowered, Value
from amongo.engine.columns import Path
from amongo.errors import ServerError
from amongo.mql.expressions import parse_expression
from amongo.runtime.interrupts import NEVER
from amongo.values.codec import decode, encode, encode_in_order
from amongo.values.missing import MISSING
from tests.differential.relational_cases import ENGINE, columns_over

RESULT = "result"


class Refused(Exception):
    """The expression is not lowered."""


def interpreted(documents: Sequence[dict[str, Any]], spec: Any) -> list[dict[str, Any]]:
    """{result: value} of each document, without the field where the value is missing.

    errors   those of the expression
    """
    evaluate = parse_expression(spec).bind()
    values = (evaluate(decode(encode(document)), {}) for document in documents)
    return [{} if value is MISSING else {RESULT: value} for value in values]


def computed(documents: Sequence[dict[str, Any]], spec: Any) -> tuple[Value, list[dict[str, Any]]]:
    """(the lowered value, {result: value} of each document) by columns.

    errors   Refused
    """
    raws = [encode({"_id": number, **document}) for number, document in enumerate(documents)]
    expression = parse_expression(spec).fold()
    paths: dict[Path, None] = {}
    while True:
        lowering = Lowering(columns_over(raws)(paths), {})
        scope = Scope(Frame(Relation(word(TABLE)), is_stored=True), lowering)
        try:
            value = scope.value(expression)
            break
        except Unread as unread:
            paths.update(dict.fromkeys(unread.paths))
        except NotLowered as reason:
            raise Refused(reason.reason) from None
    frame = scope.frame.built({RESULT: value})
    statement, shape = statement_of(frame)
    batches = ENGINE.batches(statement, {TABLE: table_of(lowering)}, NEVER)
    return value, list(whole_documents(batches, frame, shape, lambda ids: []))


def assert_computed(documents: Sequence[dict[str, Any]], spec: Any) -> Value:
    """Both ways give identical BSON; what is known of the value holds."""
    expected = interpreted(documents, spec)
    value, actual = computed(documents, spec)
    for one, two, document in zip(actual, expected, documents, strict=True):
        assert encode_in_order(one) == encode_in_order(two), (spec, document, one, two)
    assert_facts(value, [document.get(RESULT, MISSING) for document in expected])
    return value


def assert_same_or_refused(documents: Sequence[dict[str, Any]], spec: Any) -> bool:
    """Both ways give identical BSON, or there is no lowering; where the interpreter fails there must be none.

    result   whether it was lowered
    """
    try:
        interpreted(documents, spec)
    except ServerError:
        try:
            computed(documents, spec)
        except (Refused, ServerError):
            return False
        raise AssertionError(f"{spec} is an error for one of {documents[:9]}, but is lowered") from None
    try:
        assert_computed(documents, spec)
    except Refused:
        return False
    return True


def assert_expression_refused(documents: Sequence[dict[str, Any]], spec: Any, reason: str) -> None:
    """The expression is not lowered, for this reason (a part of it)."""
    try:
        computed(documents, spec)
    except Refused as refused:
        assert reason in str(refused), refused
        return
    raise AssertionError(f"{spec} is lowered")


def assert_facts(value: Value, found: Sequence[Any]) -> None:
    """What is known of a lowered value is true of the values that came."""
    from amongo.values.types import BsonType, bson_type

    facts = value.facts
    for each in found:
        kind = BsonType.MISSING if each is MISSING else bson_type(each)
        assert kind in value.kinds, (kind, value.kinds)
        if kind in (BsonType.INT, BsonType.LONG):
            assert facts.least is None or facts.least <= each, (facts, each)
            assert facts.most is None or facts.most >= each, (facts, each)
        elif kind == BsonType.DATE:
            assert facts.first_ms is None or facts.first_ms <= int(each), (facts, each)
            assert facts.last_ms is None or facts.last_ms >= int(each), (facts, each)
        elif kind == BsonType.STRING:
            assert each.isascii() or not facts.is_ascii, (facts, each)
            assert len(each.encode()) <= facts.string_bytes, (facts, each)
        elif kind == BsonType.DOUBLE:
            _assert_double_facts(value, each)


def _assert_double_facts(value: Value, each: float) -> None:
    facts = value.facts
    if each != each:
        assert facts.has_nan
    elif each in (float("inf"), -float("inf")):
        assert facts.has_infinity
    else:
        assert facts.low is None or facts.low <= each, (facts, each)
        assert facts.high is None or facts.high >= each, (facts, each)
        assert each or facts.has_negative_zero or str(each) == "0.0", facts
        if each and facts.low_bit is not None:
            numerator, denominator = each.as_integer_ratio()
            least_bit = (numerator & -numerator).bit_length() - denominator.bit_length()
            assert least_bit >= facts.low_bit, (facts, each)
