"""Expression operators of MongoDB 8 that are refused for now, each with the reason."""

_AGGREGATION = "the aggregation issue brings every remaining expression"

NOT_YET: dict[str, str] = {
    "$createObjectId": _AGGREGATION,
    "$encStrContains": "there is no queryable encryption",
    "$encStrEndsWith": "there is no queryable encryption",
    "$encStrNormalizedEq": "there is no queryable encryption",
    "$encStrStartsWith": "there is no queryable encryption",
    "$function": "there is no JavaScript engine",
    "$hash": _AGGREGATION,
    "$hexHash": _AGGREGATION,
    "$median": _AGGREGATION,
    "$percentile": _AGGREGATION,
    "$toArray": _AGGREGATION,
    "$toHashedIndexKey": _AGGREGATION,
    "$toObject": _AGGREGATION,
    "$toUUID": _AGGREGATION,
}
