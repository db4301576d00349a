"""Accumulators of MongoDB 8 that are refused for now, each with the reason."""

_AGGREGATION = "the aggregation issue brings every remaining accumulator"

NOT_YET: dict[str, str] = {
    "$accumulator": "there is no JavaScript engine",
    "$bottom": _AGGREGATION,
    "$bottomN": _AGGREGATION,
    "$firstN": _AGGREGATION,
    "$lastN": _AGGREGATION,
    "$maxN": _AGGREGATION,
    "$median": _AGGREGATION,
    "$minN": _AGGREGATION,
    "$percentile": _AGGREGATION,
    "$top": _AGGREGATION,
    "$topN": _AGGREGATION,
}
