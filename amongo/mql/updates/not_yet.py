"""Update operators of MongoDB that amongo does not have yet, with the reason. Empty: all are here."""

NOT_YET: dict[str, str] = {}
