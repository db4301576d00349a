"""Accumulators of MongoDB 8 that are refused for now, each with the reason."""

NOT_YET: dict[str, str] = {}
