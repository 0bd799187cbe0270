"""What claims tells the classifier and ingest of audits and legal holds (rules PA4, RE1).  Telling it twice changes nothing."""

import msgspec


class OpenedHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fixes of these NZ days (since 1970-01-01), both included, must stay."""

    id: str
    from_day: int
    to_day: int
    reason: str


class HoldsTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant: str
    opened: tuple[OpenedHold, ...] = ()
    released: tuple[str, ...] = ()


class KeptTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything of these tenants is kept at this moment, and of no other: an audit, a hold or a disclosure is open."""

    tenants: tuple[str, ...]
