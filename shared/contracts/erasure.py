"""What claims tells the classifier and ingest of days that may be forgotten (rule RE2).  Telling it twice changes nothing."""

import msgspec


class ForgottenStretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing holds what this device sent on these NZ days (since 1970-01-01), both included."""

    id: str
    device: str
    from_day: int
    to_day: int


class ErasureAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant: str
    stretches: tuple[ForgottenStretch, ...]


class ErasureDone(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the stretches of which nothing is left; the others are asked for again later."""

    gone: tuple[str, ...] = ()
