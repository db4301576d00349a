"""Accumulators of MongoDB 8 that are refused for now, each with the reason."""

_AGGREGATION = "the aggregation issue brings every remaining accumulator"

NOT_YET: dict[str, str] = {
    "$accumulator": "there is no JavaScript engine",
    "$median": _AGGREGATION,
    "$percentile": _AGGREGATION,
}
