"""Device-days that no classifier makes: what stands on them cannot be worked out."""

from typing import Final, Literal

from msgspec.structs import replace

from shared.contracts.device_day import DeviceDay, Total
from tests.integration.claims.world import FIRST_DAY, HOUR_MS, Fleet, device_day, put_days

How = Literal["sum", "segments", "negative"]
HOWS: Final[tuple[How, ...]] = ("sum", "segments", "negative")


def broken_day(fleet: Fleet, how: How = "sum", *, device: str = "imei-1", rev: int = 2) -> DeviceDay:
    """`sum`: carried, and yet driven, so that nothing closes on the recorder.  `segments`: none, with the licence's issue inside
    the day.  `negative`: metres below nothing."""
    first = FIRST_DAY if how == "segments" else FIRST_DAY + 4
    day = device_day(fleet.tenant, device, first, rev=rev)
    if how == "segments":
        return replace(day, segments=(), first_fix_ms=day.first_fix_ms - 2 * HOUR_MS)
    public, off_road = day.segments
    odd = (
        replace(off_road, surface="carried", basis="carried")
        if how == "sum"
        else replace(off_road, mm=-off_road.mm)
    )  # fmt: skip
    totals = tuple(Total(one.surface, one.basis, one.kind, one.in_stretch, one.mm) for one in (public, odd))
    return replace(day, segments=(public, odd), totals=totals)


async def break_licence(fleet: Fleet, how: How = "sum", *, device: str = "imei-1") -> None:
    """The one that `Fleet.claimable` makes with that device."""
    await put_days(fleet.worker, [broken_day(fleet, how, device=device)])


async def mend_licence(fleet: Fleet, *, device: str = "imei-1") -> None:
    """The same days, computed again."""
    await put_days(fleet.worker, [device_day(fleet.tenant, device, FIRST_DAY + i, rev=3) for i in (0, 4)])
