"""What claims tells the classifier and ingest of days and names to forget (rule RE2).  Telling it twice changes nothing."""

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


class ForgottenName(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name, or an e-mail address, of a person who was forgotten, and what stands in its place in claims."""

    id: str
    name: str
    put_away: str


class HeldStretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """NZ days since 1970-01-01, both included, that some held licence of the tenant needs."""

    from_day: int
    to_day: int


class NamesAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of ingest, whose consents no licence needs."""

    tenant: str
    names: tuple[ForgottenName, ...]


class RulingNamesAsked(NamesAsked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the classifier.  `held`: rulings about any of these days stay as they are (rule RE1)."""

    held: tuple[HeldStretch, ...]


class ErasureDone(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the stretches, or names, of which nothing is left; the others are asked for again later."""

    gone: tuple[str, ...] = ()
