"""The sample's register: two claimants, thirteen vehicles, and licences seeded so that each of the ten situations occurs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deploy.demo.sample.fleet import Driven
from deploy.demo.sample.meters import ALWAYS, Meter, Window
from deploy.demo.sample.register import DAY_MS, UNIT_KM, Expected, Register

HOUR_MS: Final = 3_600_000
FOLLOWING: Final = Expected("following licence", ("running",), {"EL1": "fail"}, "bought to follow the one before it")


@dataclass(frozen=True)
class Office:
    register: Register
    fleet: Mapping[str, Driven]
    first_day: int
    """NZ day ordinal of the fortnight's first day."""

    def meter(self, ref: str, first_km: float | None = None, windows: tuple[Window, ...] = (ALWAYS,)) -> Meter:
        """The vehicle's recorder: its own odometer where it is light, else the hubodometer on its axle."""
        driven = self.fleet[ref]
        start = driven.odometer_base_m / 1000 if first_km is None else first_km
        return Meter(driven.track, start, driven.vehicle.recorder_scale, windows)

    def number(self, ref: str, order: int) -> str:
        return f"77{list(self.fleet).index(ref) + 1:02d} {order:04d}"

    def light(self, ref: str, plate: str, description: str) -> Meter:
        """A diesel ute with its own odometer as recorder, read as the fortnight begins and ends."""
        self.register.vehicle(ref, plate, description, self.fleet[ref].vehicle.device, ruc_type="1", gross_kg=3050)
        return self._recorder(ref, ref, "odometer", f"ODO-{plate}", self.meter(ref))

    def heavy(self, ref: str, plate: str, description: str, first_km: int, ruc_type: str, gross_kg: int) -> Meter:
        device = self.fleet[ref].vehicle.device
        self.register.vehicle(ref, plate, description, device, ruc_type=ruc_type, gross_kg=gross_kg)
        return self._recorder(ref, ref, "hubodometer", f"HB-{first_km % 9973:05d}", self.meter(ref, first_km))

    def _recorder(self, ref: str, vehicle: str, kind: str, serial: str, meter: Meter) -> Meter:
        register = self.register
        register.recorder(ref, vehicle, kind, serial, register.start_ms - 900 * DAY_MS)
        register.reading(ref, register.start_ms, meter.shown_at(register.start_ms))
        return meter

    def close(self, ref: str, meter: Meter) -> None:
        """The last reading of the fortnight."""
        self.register.reading(ref, self.register.end_ms, meter.shown_at(self.register.end_ms))

    def used_up(self, ref: str, meter: Meter, cents: int, expected: Expected, *, units: int = 1, start: int | None = None,
                order: int = 1, claimant: str = "main", issued_ms: float | None = None, recorder: str = "") -> int:  # fmt: skip
        """A licence that ends within the fortnight, with an actual reading at the exact end; returns its end reading."""
        register, recorder = self.register, recorder or ref
        first = meter.shown_at(register.start_ms) if start is None else start
        end = first + units * UNIT_KM
        began = register.start_ms if first <= meter.first_km else register.boundary(recorder, meter, first)
        issued = began - 20 * DAY_MS if issued_ms is None else issued_ms
        name = f"{ref}-{order}"
        register.licence(name, recorder, self.number_of(ref, order), first, units, issued, cents, claimant=claimant)
        ended = register.boundary(recorder, meter, end)
        register.expect(name, ref, meter, first, end, (began, ended), expected)
        return end

    def number_of(self, ref: str, order: int) -> str:
        return self.number(ref, order) if ref in self.fleet else f"7799 {order:04d}"

    def next_one(self, ref: str, meter: Meter, start: int, cents: int, order: int = 2, *, units: int = 2,
                 expected: Expected = FOLLOWING, claimant: str = "main") -> None:  # fmt: skip
        """A licence that begins where the last one ended, bought the day before, and still runs."""
        began = float(meter.instant_of(start))
        name = f"{ref}-{order}"
        number = self.number_of(ref, order)
        self.register.licence(name, ref, number, start, units, began - DAY_MS, cents, claimant=claimant)
        period = (began, self.register.end_ms)
        self.register.expect(name, ref, meter, start, start + units * UNIT_KM, period, expected)
