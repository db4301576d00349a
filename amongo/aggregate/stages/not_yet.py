"""Stages of MongoDB 8 that are refused for now, each with the reason: none."""

NOT_YET: dict[str, str] = {}
