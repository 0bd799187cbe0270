"""What claims asks the classifier to take out after an operator accepted a mark of faulty data (JSON over HTTP, internal
token)."""

from typing import Literal
from uuid import UUID

import msgspec


class FaultyStretch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device's time, both instants included, of which nothing may count as off road.  `id` is the caller's and becomes the
    exclusion's: sending the same again makes no second one."""

    tenant: UUID
    id: UUID
    device: str
    from_ms: int
    to_ms: int
    reason: str
    actor: str


class StretchTaken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The exclusion is there."""

    id: UUID
    device_days: int
    """That it touches and that have evidence; each is computed again."""


class KnownDay(msgspec.Struct, frozen=True, array_like=True):
    """A device-day as the caller's ledger has it."""

    day: int
    land: str
    """The set of rulings that its revision names (DeviceDay.land)."""


class PendingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tenant: UUID
    id: UUID
    known: tuple[KnownDay, ...]


class Pending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """NZ days that have evidence and whose revision, as the caller knows it, does not heed the exclusion yet."""

    state: Literal["active", "lifted"]
    days: tuple[int, ...]
