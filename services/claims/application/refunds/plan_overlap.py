"""What a licence that overlaps the present one would credit and cost (rule OT1), and whether to surrender instead (OT2)."""

import asyncio
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.claims.application.refunds.judge_application import part_from_row
from services.claims.application.refusals import invalid, not_found
from services.claims.application.statement.alerts import usage_of
from services.claims.application.statement.assess import Assessed, assess
from services.claims.application.statement.facts import load_facts
from services.claims.domain.findings import Finding
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.rates import KM_PER_UNIT, Rate, fee_cents, rate_of, table_row
from services.claims.domain.refunds.overlap import Overlap, OverlapRefused, plan_overlap
from services.claims.domain.refunds.surrender import BANK_EVIDENCE, Surrender, advise_surrender, assess_surrender
from services.claims.domain.refunds.unused import RefundedPart, not_refunded, on_licence, reads_true, unused_from
from services.claims.domain.register.licence import ORDINARY
from services.claims.domain.register.recorder import MM_PER_KM
from services.claims.domain.statement.present import Usage
from services.claims.repo import applications
from shared.db.pool import Connection
from shared.http.problems import Problem

SOURCE = "nzta-ruc-reduction-2022.txt lines 59-61"
DAYS_A_MONTH = 30


@dataclass(frozen=True)
class OverlapAsked:
    reading: int
    """Of the recorder, now."""
    on: date | None
    """Day of the purchase; None: today."""
    channel: str
    units: int | None
    """None: the least that is allowed."""
    old_rate_cents: int | None
    """For 1000 km; only where what was paid is not in the register."""
    new_rate_cents: int | None
    """Likewise where the rate table does not know it, or knows it wrong."""


@dataclass(frozen=True)
class Planned:
    item: Assessed
    plan: Overlap
    on: date
    old_rate: Rate
    new_rate: Rate
    reduced: bool | None
    """The new rate is a temporarily reduced one; None: it was given, so nobody can say."""
    advice: str | None
    surrender: Surrender
    warnings: tuple[str, ...]
    missing: tuple[str, ...]
    turned: int
    """What the display lost by starting again from 0 since the licence's start (rule VE2)."""


async def overlap_plan(
    conn: Connection, tenant: UUID, licence_id: UUID, asked: OverlapAsked, policy: Policy, now_ms: int
) -> Planned:
    """Raises Problem 404, 409 `unused_refunded`, 422 `rate_unknown` with what is `missing`, 422 with the page's reasons."""
    facts = await load_facts(conn, tenant, [licence_id], policy, now_ms)
    if not facts.bound:
        raise not_found("licence", licence_id)
    parts = [part_from_row(row) for row in await applications.refunded(conn, tenant, [licence_id])]
    (item,) = await asyncio.to_thread(assess, facts, policy)
    return plan(item, parts, asked, policy, now_ms)


def plan(item: Assessed, parts: list[RefundedPart], asked: OverlapAsked, policy: Policy, now_ms: int) -> Planned:
    """Pure."""
    licence, unit = item.licence, item.record.recorder_of(item.licence).unit
    now, today = from_ms(now_ms), nz_date(from_ms(now_ms))
    on = asked.on or today
    if licence.kind not in ORDINARY:
        raise invalid("", "an additional licence is bought for one journey on top of another: nothing overlaps it")
    _refuse("/reading", reads_true("OT1", licence, item.record, asked.reading, now, today, SOURCE))
    old_rate, new_rate, reduced = _rates(item, asked, on, policy)
    shown = on_licence(licence, item.record, asked.reading, now)
    twice = not_refunded("OT1", unused_from(licence, unit, shown, old_rate), parts)
    if twice.outcome == "fail":
        raise Problem(409, "unused_refunded", "The unused distance was refunded before", twice.reason)
    fee = fee_cents(asked.channel, on, policy.fees)
    try:
        found = plan_overlap(
            old_start=licence.start_reading, old_end=licence.end_reading, old_rate=old_rate, reading=shown, unit=unit,
            new_rate=new_rate, fee_cents=fee, units=asked.units,
        )  # fmt: skip
    except OverlapRefused as error:
        raise invalid("/reading" if error.fault == "not_in_range" else "/units", str(error), error.fault) from error
    return Planned(
        item=item,
        plan=found,
        on=on,
        old_rate=old_rate,
        new_rate=new_rate,
        reduced=reduced,
        advice=advise_surrender(found.units * KM_PER_UNIT, _km_a_month(usage_of(item)), policy),
        surrender=assess_surrender(licence, unit, shown, today, old_rate, BANK_EVIDENCE, policy),
        warnings=tuple(_warnings(item, found)),
        turned=shown - asked.reading,
        missing=() if fee is not None else (f"the fee of the channel {asked.channel} on {on}",),
    )


def _refuse(pointer: str, findings: list[Finding]) -> None:
    for one in findings:
        raise invalid(pointer, one.reason, "reading_contradicted")


def _rates(item: Assessed, asked: OverlapAsked, on: date, policy: Policy) -> tuple[Rate, Rate, bool | None]:
    """Old rate, new rate, whether the new one is reduced.  What was paid wins over what is said; unknown asks (rule LI5)."""
    licence = item.licence
    old = rate_of(licence, item.statement.unit, policy.rates)
    if asked.old_rate_cents is not None:
        if old is not None and old.source == "paid" and old.cents != asked.old_rate_cents * old.units:
            reason = f"the register says {old.dollars_per_1000km} dollars for 1000 km: correct the licence, or leave this out"
            raise invalid("/old_rate_cents", reason, "paid_otherwise")
        old = Rate(cents=asked.old_rate_cents, units=1, source="paid", note="as given")
    row = table_row(licence.ruc_type, licence.gross_kg, on, policy.rates)
    reduced: bool | None = None if row is None else row.kind == "reduction"
    new = None if row is None else row.rate
    if asked.new_rate_cents is not None:
        same = row is not None and row.cents_per_unit == asked.new_rate_cents
        new, reduced = (
            Rate(cents=asked.new_rate_cents, units=1, source="paid", note="as given"),
            reduced if same else None,
        )
    if old is None or new is None:
        raise _rate_unknown(old, new, on)
    return old, new, reduced


def _rate_unknown(old: Rate | None, new: Rate | None, on: date) -> Problem:
    missing = []
    if old is None:
        asks = "cents for 1000 km that were paid for this licence; or enter its units and gross charge"
        missing.append({"field": "old_rate_cents", "asks": asks})
    if new is None:
        missing.append({"field": "new_rate_cents", "asks": f"cents for 1000 km that a licence costs on {on}"})
    return Problem(
        422, "rate_unknown", "A rate is not known", "Neither the register nor the rate table says it: give what is missing.",
        missing=missing,
    )  # fmt: skip


def _km_a_month(usage: Usage) -> int:
    return usage.mm * DAYS_A_MONTH // (usage.days * MM_PER_KM)


def _warnings(item: Assessed, found: Overlap) -> list[str]:
    ahead = [
        other
        for other in item.record.licences
        if other.id != item.licence.id
        and other.kind in ORDINARY
        and other.recorder_id == item.licence.recorder_id
        and item.licence.end_reading <= other.start_reading < found.end_reading
    ]
    return [
        f"licence {other.number} begins at {other.start_reading}, before the new one ends at {found.end_reading}: the page "
        "does not say what becomes of it, so ask before buying"
        for other in sorted(ahead, key=lambda one: one.start_reading)
    ]
