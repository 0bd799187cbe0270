"""What the fleet's office would enter, in order, with names for what has no id yet, and what must come out of it.

Every licence carries its documented outcome.  Readings are actual ones: what the recorder truly showed at that instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from deploy.demo.sample.meters import Meter
from deploy.demo.sample.vehicles import Device

LABEL: Final = "sample"
UNIT_KM: Final = 1000
LIGHT_CENTS: Final = 7600
"""A light vehicle's 1000 km since 1 July 2023 (domain facts, section 1)."""
FEE_CENTS: Final = 1244
DAY_MS: Final = 86_400_000
ACTOR: Final = "M Harrow"

Json = dict[str, Any]


@dataclass(frozen=True)
class Expected:
    """A situation and its documented outcome."""

    situation: str
    states: tuple[str, ...]
    findings: Mapping[str, str]
    """Rule → worst outcome."""
    why: str


@dataclass(frozen=True)
class LicenceRow:
    """One licence with its expectation and its true off-road distance."""

    ref: str
    vehicle: str
    start: int
    end: int
    from_ms: float
    until_ms: float
    expected: Expected
    meter: Meter

    def as_json(self) -> Json:
        return {
            "licence": self.ref,
            "vehicle": self.vehicle,
            "situation": self.expected.situation,
            "states": list(self.expected.states),
            "findings": dict(self.expected.findings),
            "why": self.expected.why,
            "true_off_mm": self.meter.off_road_mm(self.from_ms, self.until_ms),
            "true_total_mm": self.meter.total_mm(self.from_ms, self.until_ms),
            "from": instant(self.from_ms),
            "until": instant(self.until_ms),
        }


@dataclass
class Register:
    """Posts in order; a body value "@vehicle:ute-1" and a path part "{vehicle:ute-1}" stand for that thing's id."""

    start_ms: float
    end_ms: float
    posts: list[Json] = field(default_factory=list)
    rows: list[LicenceRow] = field(default_factory=list)
    _read: set[tuple[str, int]] = field(default_factory=set)

    def post(self, path: str, name: str, body: Json) -> None:
        self.posts.append({"path": path, "name": name, "body": body})

    def claimant(self, ref: str, body: Json) -> None:
        self.post("/claimants", f"claimant:{ref}", {"ref": ref, **body})

    def vehicle(self, ref: str, plate: str, description: str, device: Device | None, **more: object) -> None:
        """The vehicle and, where it has one, its device's assignment since a month before the fortnight."""
        self.post("/vehicles", f"vehicle:{ref}", {"ref": ref, "plate": plate, "description": description, **more})
        if device is not None:
            since = instant(self.start_ms - 30 * DAY_MS)
            body = {"device": device.device_id, "vehicle_id": f"@vehicle:{ref}", "from": since}
            self.post("/devices", f"device:{ref}", {**body, "primary": True, "gps_type": device.gps_type})

    def recorder(self, ref: str, vehicle: str, kind: str, serial: str, since_ms: float, replaces: str = "") -> None:
        body = {"vehicle_id": f"@vehicle:{vehicle}", "kind": kind, "serial": serial, "unit": "km"}
        body |= {"from": instant(since_ms)} | ({"replaces": f"@recorder:{replaces}"} if replaces else {})
        self.post("/recorders", f"recorder:{ref}", body)

    def reading(self, recorder: str, at_ms: float, value: int, source: str = "person", note: str = "") -> None:
        """Once per recorder and instant, however many boundaries fall on it."""
        if (recorder, round(at_ms)) in self._read:
            return
        self._read.add((recorder, round(at_ms)))
        body = {"recorder_id": f"@recorder:{recorder}", "at": instant(at_ms), "value": value, "source": source}
        self.post("/readings", "", {**body, "note": note, "label": LABEL})

    def boundary(self, recorder: str, meter: Meter, value: int) -> float:
        """An actual reading at the instant the display turned to `value`; returns the instant."""
        at = meter.instant_of(value)
        self.reading(recorder, at, value, note="read as the display turned")
        return float(at)

    def licence(
        self, ref: str, recorder: str, number: str, start: int, units: int, issued_ms: float, cents_per_unit: int,
        *, claimant: str = "main", credit_cents: int = 0, overlap: bool = False,
    ) -> None:  # fmt: skip
        body: Json = {"ref": ref, "claimant_id": f"@claimant:{claimant}", "recorder_id": f"@recorder:{recorder}"}
        body |= {"number": number, "kind": "D", "start_reading": start, "end_reading": start + units * UNIT_KM}
        body |= {"issued_at": instant(issued_ms), "purchased_at": instant(issued_ms), "units": units}
        body |= {"gross_cents": units * cents_per_unit, "credit_cents": credit_cents, "fee_cents": FEE_CENTS}
        self.post("/licences", f"licence:{ref}", {**body, "overlap": overlap})

    def expect(
        self,
        ref: str,
        vehicle: str,
        meter: Meter,
        start: int,
        end: int,
        period: tuple[float, float],
        expected: Expected,
    ) -> None:
        """`period`: the instants between which the range was driven, within the fortnight."""
        self.rows.append(LicenceRow(ref, vehicle, start, end, *period, expected, meter))


def instant(t_ms: float) -> str:
    """ISO 8601 in UTC, whole milliseconds."""
    at = datetime.fromtimestamp(round(t_ms) / 1000, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{at.microsecond // 1000:03d}Z"
