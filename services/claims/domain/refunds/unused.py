"""The unused distance of a licence: what it is worth, and that nothing of it was refunded before (rules OT1 to OT4; Act s 31,
s 32, s 35).  Readings are in the recorder's unit, money in cents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.findings import Finding, Waiver, day, waived
from services.claims.domain.instants import from_ms, nz_date, to_ms
from services.claims.domain.rates import Rate
from services.claims.domain.register.licence import ORDINARY, Licence, VehicleRecord
from services.claims.domain.register.recorder import LICENCE_UNIT, Unit, unwrapped
from services.claims.domain.statement.window import full_range

Refund = Literal["off_road", "unused", "credit"]
ONCE: Final = "Act s 35(1)(b)(i), s 35(3)"
_RULES: Final = {"surrender": "OT2", "recorder_change": "OT3", "cancelled_vehicle": "OT4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How what a licence cost falls on what was used of it and what was not.  used + unused + remainder = charge, always."""

    charge_cents: int
    used_cents: int
    unused_cents: int
    remainder_cents: int
    """0 or 1: both parts are floored to a cent, and the cent between them is nobody's refund."""


def divide(length: int, unused: int, rate: Rate, unit: Unit) -> Division:
    """Of a licence `length` long with `unused` left.  A unit of 1000 km, or of 621 miles, costs the rate."""
    per_unit = Fraction(rate.cents, rate.units * LICENCE_UNIT[unit])
    charge = int(length * per_unit)
    left, used = int(unused * per_unit), int((length - unused) * per_unit)
    return Division(
        charge_cents=charge, used_cents=used, unused_cents=left, remainder_cents=charge - used - left
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """(start, end] of a licence, in its recorder's unit."""

    start: int
    end: int
    unit: Unit
    division: Division | None
    """None: the rate paid is not known."""

    @property
    def distance(self) -> int:
        return self.end - self.start

    @property
    def cents(self) -> int | None:
        return None if self.division is None else self.division.unused_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedPart:
    """(start, end] of a licence was refunded, or is asked for: off road by a claim, as unused by an application, as credit of
    a licence that overlaps it."""

    kind: Refund
    start: int
    end: int
    source_id: UUID
    reference: str


def on_licence(licence: Licence, record: VehicleRecord, reading: int, at: datetime) -> int:
    """A displayed reading on the licence's own scale, rollovers of the display added."""
    line = record.timeline_of(licence)
    begin, _ = full_range(licence, line)
    return unwrapped(line, reading, at) - begin + licence.start_reading


def unused_from(licence: Licence, unit: Unit, reading: int, rate: Rate | None) -> Unused:
    """What is left at a reading on the licence's scale.  Before its start all of it, beyond its end nothing."""
    start = min(max(reading, licence.start_reading), licence.end_reading)
    length = licence.end_reading - licence.start_reading
    division = None if rate is None else divide(length, licence.end_reading - start, rate, unit)
    return Unused(start=start, end=licence.end_reading, unit=unit, division=division)


def something_left(rule: str, unused: Unused, source: str) -> Finding:
    inputs = (("from_reading", str(unused.start)), ("end_reading", str(unused.end)))
    if unused.distance < 1:
        reason = f"nothing of the licence is unused at {unused.start}"
        return Finding(rule=rule, outcome="fail", reason=reason, source=source, inputs=inputs)
    reason = f"{unused.distance} {unused.unit} are unused, from {unused.start} to {unused.end}"
    return Finding(rule=rule, outcome="pass", reason=reason, source=source, inputs=inputs)


def of_distance(rule: str, licence: Licence) -> Finding:
    """Refunds concern distance licences; an additional licence is bought for one journey on top of another."""
    source = "Act s 12, s 32"
    if licence.kind in ORDINARY:
        return Finding(rule=rule, outcome="pass", reason=f"a distance licence of kind {licence.kind}", source=source)
    return Finding(rule=rule, outcome="fail", reason="an additional licence has no unused distance", source=source)


def not_refunded(rule: str, unused: Unused, parts: Sequence[RefundedPart]) -> Finding:
    """No kilometre is refunded twice: neither as off road and unused, nor as unused and credit."""
    for part in sorted(parts, key=lambda one: (one.start, one.kind)):
        if max(part.start, unused.start) < min(part.end, unused.end):
            how = {
                "off_road": f"claimed as off road ({part.reference})",
                "unused": f"asked for as unused ({part.reference})",
                "credit": f"credited when licence {part.reference} was bought to overlap it",
            }[part.kind]
            reason = f"{part.start} to {part.end} of the licence was {how}: the same kilometres are not refunded twice"
            inputs = (("refunded", part.kind), ("from_reading", str(part.start)), ("to_reading", str(part.end)))
            return Finding(rule=rule, outcome="fail", reason=reason, source=ONCE, inputs=inputs)
    claimed = [part for part in parts if part.kind == "off_road"]
    if claimed:
        last = max(claimed, key=lambda one: one.end)
        reason = (
            f"the licence was claimed as off road up to {last.end} ({last.reference}), which lies before what is unused: the "
            "Agency allows for it, so name it in the application"
        )
        return Finding(rule=rule, outcome="warn", reason=reason, source=ONCE)
    return Finding(rule=rule, outcome="pass", reason="nothing of the unused distance was refunded before", source=ONCE)


def reads_true(
    rule: str, licence: Licence, record: VehicleRecord, reading: int, at: datetime, today: date, source: str
) -> list[Finding]:
    """A reading too low refunds what was travelled: no actual reading of the recorder may lie above it, none later below it,
    and it may not be of the future.  Empty where all is well."""
    line = record.timeline_of(licence)
    units, ms = unwrapped(line, reading, at), to_ms(at)
    inputs = (("reading", str(reading)), ("read_on", day(nz_date(at))))
    faults = []
    if nz_date(at) > today:
        faults.append(f"the reading is of {nz_date(at)}, which is yet to come")
    highest = max(line.points, key=lambda point: (point.units, -point.ms), default=None)
    after = min((point.units for point in line.points if point.ms >= ms), default=units)
    if highest is not None and units < highest.units:
        faults.append(
            f"{reading} is below {highest.units}, which the recorder showed on {nz_date(from_ms(highest.ms))}: what was "
            "travelled is not unused"
        )
    if units > after:
        faults.append(f"{reading} is above {after}, which the recorder showed later: correct one of the two")
    return [Finding(rule=rule, outcome="fail", reason=fault, source=source, inputs=inputs) for fault in faults]


def pays_into(rule: str, *, account_given: bool) -> Finding:
    source = "nzta-refunds.txt lines 10, 15"
    if account_given:
        return Finding(rule=rule, outcome="pass", reason="the claimant's bank account is known", source=source)
    reason = "the claimant has no bank account here: without it the refund is delayed"
    return Finding(rule=rule, outcome="warn", reason=reason, source=source)


def unused_apart(licence: Licence, waivers: Sequence[Waiver]) -> list[Finding]:
    """What a claim must know of an application for the same licence's unused distance (rules LI2, EL4, OT2 to OT4).

    While a surrender is not decided a claim waits: it would end at the surrender's reading, and if the surrender is declined
    nothing beyond could ever be claimed, since a licence is claimed once."""
    asked = licence.unused_asked
    if asked is None:
        return []
    inputs = (
        ("application", asked.kind),
        ("application_id", str(asked.application_id)),
        ("from_reading", str(asked.from_reading)),
        ("asked_on", day(asked.on)),
    )
    if asked.kind == "surrender" and not asked.decided:
        reason = (
            f"its surrender from {asked.from_reading} on is not decided: a claim now would leave out whatever comes after, for "
            "ever, if the surrender is declined"
        )
        waivable = (f"surrender from {asked.from_reading} on, asked for on {asked.on}",)
        finding = Finding(
            rule="EL4", outcome="fail", reason=reason, source=ONCE, inputs=inputs, waiting=True, waivable=waivable
        )
        return [waived(finding, waivers)]
    how = "was refunded" if asked.decided else "is asked for"
    reason = (
        f"from {asked.from_reading} on its distance {how} as unused ({asked.kind}): the claim covers only what lies before, "
        "and the Agency allows for the other refund"
    )
    if asked.kind == "surrender":
        reason += (
            "; the refunds page names only licences that are used up, sold or deregistered, so ask before claiming"
        )
    return [Finding(rule=_RULES[asked.kind], outcome="warn", reason=reason, source=ONCE, inputs=inputs)]
