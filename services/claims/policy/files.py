"""Reads rates.csv, fees.csv, reason_codes.csv and constants.toml beside it; anything odd in them stops the start."""

from functools import cache

from services.claims.domain.policy import Policy


class InvalidPolicy(ValueError):
    """A policy file cannot be used.  Names file and line."""


@cache
def load() -> Policy:
    raise NotImplementedError
