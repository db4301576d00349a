"""Expression operators of MongoDB 8 that are refused for now, each with the reason."""

NOT_YET: dict[str, str] = {
    "$encStrContains": "there is no queryable encryption",
    "$encStrEndsWith": "there is no queryable encryption",
    "$encStrNormalizedEq": "there is no queryable encryption",
    "$encStrStartsWith": "there is no queryable encryption",
}
