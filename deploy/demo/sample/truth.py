"""The exact truth of the fortnight, from the true paths: no fix, no map and no odometer had a hand in it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from deploy.demo.sample.fleet import Driven, sale_ms
from deploy.demo.sample.vehicles import DAYS
from shared.nz_days import bounds_ms, from_ordinal

DAY_COLUMNS: Final = "device_id,day,total_m,off_m,on_m,unknown_owner_m,carried_m,kind,interval_s"
DEVICE_COLUMNS: Final = "device_id,total_m,off_m,on_m,unknown_owner_m,carried_m,kind,interval_s"


class Row(NamedTuple):
    """Millimetres of one device on one NZ day; carried is outside the total."""

    device_id: str
    day: int
    off_mm: int
    on_mm: int
    unknown_owner_mm: int
    carried_mm: int
    kind: str
    interval_s: int

    @property
    def total_mm(self) -> int:
        return self.off_mm + self.on_mm + self.unknown_owner_mm


def rows(fleet: Sequence[Driven], first_day: int) -> list[Row]:
    """A row for every device and day until the vehicle was sold, days without its device included."""
    out: list[Row] = []
    for driven in fleet:
        edges = np.array(
            [bounds_ms(first_day + day)[0] for day in range(DAYS)] + [bounds_ms(first_day + DAYS - 1)[1]], float
        )
        mm = {
            name: np.diff(np.round(driven.track.metres(name, edges) * 1000).astype(np.int64))
            for name in ("private", "paddock", "public", "unknown_owner", "carried")
        }  # fmt: skip
        device = driven.vehicle.device
        for day in range(DAYS):
            if edges[day] < sale_ms(driven):
                off, on = int(mm["private"][day] + mm["paddock"][day]), int(mm["public"][day])
                unknown, carried = int(mm["unknown_owner"][day]), int(mm["carried"][day])
                kind = driven.vehicle.kind
                out.append(Row(device.device_id, first_day + day, off, on, unknown, carried, kind, device.interval_s))
    return out


def _metres(mm: int) -> str:
    return f"{mm // 1000}.{mm % 1000:03d}"


def by_day_csv(table: Sequence[Row]) -> str:
    body = (
        f"{r.device_id},{from_ordinal(r.day)},{_amounts(r.total_mm, r.off_mm, r.on_mm, r.unknown_owner_mm, r.carried_mm)},"
        f"{r.kind},{r.interval_s}"
        for r in table
    )
    return "\n".join([DAY_COLUMNS, *body, ""])


def by_device_csv(table: Sequence[Row]) -> str:
    """One row a device, as score.py reads it."""
    body = []
    for device in dict.fromkeys(r.device_id for r in table):
        mine = [r for r in table if r.device_id == device]
        sums = (
            sum(r.total_mm for r in mine), sum(r.off_mm for r in mine), sum(r.on_mm for r in mine),
            sum(r.unknown_owner_mm for r in mine), sum(r.carried_mm for r in mine),
        )  # fmt: skip
        body.append(f"{device},{_amounts(*sums)},{mine[0].kind},{mine[0].interval_s}")
    return "\n".join([DEVICE_COLUMNS, *body, ""])


def _amounts(*mm: int) -> str:
    return ",".join(_metres(value) for value in mm)
