"""What claims asks the classifier to compute again, and what it hears (JSON over HTTP, internal token)."""

import msgspec

from shared.contracts.device_day import DeviceDay


class RecomputeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Device-days of one tenant, from one NZ day to another (days since 1970-01-01, both included)."""

    tenant: str
    devices: tuple[str, ...] = ()
    """Empty: all."""
    from_day: int
    to_day: int
    road_set: str | None = None
    """In a dry run only: as if this data set counted for every day.  None: the one that counts."""
    scheme: int | None = None
    """None: the one that counts."""
    dry_run: bool = True
    after: tuple[str, int] | None = None
    """In a dry run: go on behind this (device, day), as the answer before says."""


class Recomputed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page of what the days would say, or how many were made due."""

    device_days: int
    """All that were asked for and have a fix of their own, whatever the page."""
    days: tuple[DeviceDay, ...] = ()
    """In a dry run: whole revisions with rev 0, settled, in the order of (device, day)."""
    next: tuple[str, int] | None = None
    """`after` of the next page; None on the last."""
