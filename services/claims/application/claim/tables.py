"""What a spreadsheet shows of reports and claims: tables of plain values (rules CL8, CL9).  Pure.

Kilometres are decimals with six places, which is exactly the millimetres; every sum is in the table that it sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

from services.claims.repo.claims import ClaimRow, LineRow
from shared.contracts.claim import DayLine, FormSnapshot, LicenceReport

MM_PER_KM: Final = Decimal(1_000_000)
NOT_CLAIMED: Final = "NOT CLAIMED"
NO_DAY: Final = "no day"
Cell: TypeAlias = str | int | Decimal | date | None
SURFACES: Final = ("public", "off_road", "unknown", "carried", "uncovered")
KM_COLUMNS: Final = tuple(f"{name}_km" for name in SURFACES)


@dataclass(frozen=True)
class Table:
    """`name`: of the sheet, at most 31 characters; the last `sums` rows are totals."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sums: int = 0


def km(mm: int) -> Decimal:
    """Exactly: six decimals are millimetres."""
    return (Decimal(mm) / MM_PER_KM).quantize(Decimal("0.000001"))


def dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents).scaleb(-2)


def percentage(part: int, whole: int) -> Decimal | None:
    """With two decimals, cut; None of nothing."""
    return Decimal(part * 10_000 // whole) / 100 if whole else None


def share_mm(day: DayLine) -> int:
    return day.public_mm + day.off_road_mm + day.unknown_mm


def _surfaces(day: DayLine) -> tuple[Decimal, ...]:
    return tuple(km(getattr(day, f"{name}_mm")) for name in SURFACES)


def bases_of(reports: Sequence[LicenceReport]) -> tuple[str, ...]:
    return tuple(sorted({basis for one in reports for basis in one.totals.off_road_by_basis}))


def without_day(report: LicenceReport) -> DayLine:
    """What of the totals has no day: what the recorder counted and no fix explains, and remainders of scaling."""
    whole, days = report.totals, _added(report.days, bases_of([report]))
    return DayLine(
        day="",
        public_mm=whole.public_mm - days.public_mm,
        off_road_mm=whole.off_road_mm - days.off_road_mm,
        unknown_mm=whole.unknown_mm - days.unknown_mm,
        carried_mm=whole.carried_mm - days.carried_mm,
        uncovered_mm=whole.uncovered_mm - days.uncovered_mm,
        fixes=0,
        off_road_by_basis={},
        note="distance that belongs to no day",
    )


def _sum(days: Sequence[DayLine], field: str) -> int:
    return sum(getattr(day, field) for day in days)


def _day_cells(day: DayLine, bases: Sequence[str]) -> tuple[Cell, ...]:
    return (
        *_surfaces(day),
        percentage(day.off_road_mm, share_mm(day)),
        day.fixes,
        *(km(day.off_road_by_basis.get(basis, 0)) for basis in bases),
    )


DAY_HEADER: Final = (*KM_COLUMNS, "off_road_percent", "fixes")


def day_rows(report: LicenceReport, bases: Sequence[str]) -> tuple[tuple[Cell, ...], ...]:
    """A row a day, one for what has no day, one for the sum."""
    days = tuple((date.fromisoformat(one.day), *_day_cells(one, bases), one.note) for one in report.days)
    rest = without_day(report)
    return (
        *days,
        (NO_DAY, *_day_cells(rest, bases), rest.note),
        ("total", *_day_cells(report.totals, bases), ""),
    )


def report_tables(report: LicenceReport) -> tuple[Table, ...]:
    """Of one licence in any state (rule CL8)."""
    bases = bases_of([report])
    about: tuple[tuple[str, Cell], ...] = (
        ("claim", report.claimed_as or NOT_CLAIMED),
        ("state", report.state),
        ("claimant", report.claimant_name),
        ("plate at issue", report.plate),
        ("vehicle", report.vehicle),
        ("licence", report.licence_number),
        ("kind", report.licence_kind),
        ("recorder", report.recorder),
        ("start", report.start_km),
        ("end", report.end_km),
        ("issued on", date.fromisoformat(report.issued_on)),
        ("first day", _day(report.period[0])),
        ("last day", _day(report.period[1])),
        *((f"{name.replace('_', ' ')} km", km(getattr(report.totals, f"{name}_mm"))) for name in SURFACES),
        ("claimable percentage", percentage(report.totals.off_road_mm, share_mm(report.totals))),
        ("claimable km (whole)", report.claimable_km),
        ("rate for 1000 km", report.rate),
        ("estimate", report.estimate),
        ("closure", report.closure),
        ("coverage", report.coverage_percent),
        ("labels", ", ".join(report.labels)),
        ("made on", _day(report.generated_on)),
    )
    return (
        Table("Licence", ("what", "value"), about),
        Table("Days", ("day", *DAY_HEADER, *(f"{b}_km" for b in bases), "note"), day_rows(report, bases), sums=1),
        Table("Findings", ("rule", "outcome", "reason", "source"), _findings(report)),
        Table("Evidence", ("what", "name"), tuple(sorted(report.evidence.items()))),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _findings(report: LicenceReport) -> tuple[tuple[Cell, ...], ...]:
    return tuple((one.rule, one.outcome, one.reason, one.source) for one in report.findings)


@dataclass(frozen=True)
class Claimed:
    """A claim as it was lodged; `lines` in the form's order, a report each."""

    claim: ClaimRow
    form: FormSnapshot
    lines: tuple[tuple[LineRow, LicenceReport], ...]


LICENCE_HEADER: Final = (
    "sheet", "plate", "licence", "kind", "recorder", "start", "end", "issued_on", "first_day", "last_day", *KM_COLUMNS,
    "claimable_percent", "claimed_km", "rate_per_1000_km", "estimate", "reason_code", "method", "type", "statement",
)  # fmt: skip


def claim_tables(claimed: Claimed) -> tuple[Table, ...]:
    """Individual licences with daily summary, claimable percentage and totals (rule CL9): the claim's frozen numbers."""
    claim, form = claimed.claim, claimed.form
    bases = bases_of([report for _, report in claimed.lines])
    about: tuple[tuple[str, Cell], ...] = (
        ("claim", claim.number),
        ("state", claim.state),
        ("lodged on", claim.lodged_on),
        ("applicant", form.applicant_name),
        ("off-road customer number", form.customer_number),
        ("person completing", form.person_completing),
        ("description of travel", form.travel_description),
        ("records held", form.records_held),
        ("licences", len(claimed.lines)),
        ("claimed km", sum(line.distance_km for line, _ in claimed.lines)),
        ("estimate", dollars(_cents(claimed))),
        *((f"note {number}", note) for number, note in enumerate(form.notes, 1)),
    )
    days = tuple((line.plate, line.number, *row) for line, report in claimed.lines for row in day_rows(report, bases))
    findings = tuple((line.number, *row) for line, report in claimed.lines for row in _findings(report))
    evidence = tuple((line.number, *pair) for line, report in claimed.lines for pair in sorted(report.evidence.items()))
    bases_km = tuple(f"{basis}_km" for basis in bases)
    return (
        Table("Claim", ("what", "value"), about),
        Table("Licences", LICENCE_HEADER, (*_licence_rows(claimed), _licence_sum(claimed)), sums=1),
        Table("Days", ("plate", "licence", "day", *DAY_HEADER, *bases_km, "note"), days),
        Table("Findings", ("licence", "rule", "outcome", "reason", "source"), findings),
        Table("Evidence", ("licence", "what", "name"), evidence),
    )


def _cents(claimed: Claimed) -> int | None:
    """None as soon as one line's is not known (rule LI5)."""
    cents = [line.estimate_cents for line, _ in claimed.lines]
    return None if None in cents else sum(one for one in cents if one is not None)


def _added(totals: Sequence[DayLine], bases: Sequence[str]) -> DayLine:
    """The sum, surface by surface and basis by basis."""
    return DayLine(
        day="",
        public_mm=_sum(totals, "public_mm"),
        off_road_mm=_sum(totals, "off_road_mm"),
        unknown_mm=_sum(totals, "unknown_mm"),
        carried_mm=_sum(totals, "carried_mm"),
        uncovered_mm=_sum(totals, "uncovered_mm"),
        fixes=_sum(totals, "fixes"),
        off_road_by_basis={basis: sum(one.off_road_by_basis.get(basis, 0) for one in totals) for basis in bases},
    )


def _licence_rows(claimed: Claimed) -> tuple[tuple[Cell, ...], ...]:
    sheets = {one.licence_id: one.sheet for one in claimed.form.lines}
    return tuple(
        (
            sheets[str(line.licence_id)], line.plate, line.number, report.licence_kind, report.recorder, report.start_km,
            report.end_km, date.fromisoformat(report.issued_on), _day(report.period[0]), _day(report.period[1]),
            *_surfaces(report.totals), percentage(report.totals.off_road_mm, share_mm(report.totals)), line.distance_km,
            Decimal(line.rate) if line.rate else None, dollars(line.estimate_cents), line.reason_code, line.method,
            line.specify_type, line.statement_hash.hex(),
        )
        for line, report in claimed.lines
    )  # fmt: skip


def _licence_sum(claimed: Claimed) -> tuple[Cell, ...]:
    totals = [report.totals for _, report in claimed.lines]
    shares = sum(share_mm(one) for one in totals)
    return (
        None, "total", *([None] * 8), *(km(_sum(totals, f"{name}_mm")) for name in SURFACES),
        percentage(_sum(totals, "off_road_mm"), shares), sum(line.distance_km for line, _ in claimed.lines), None,
        dollars(_cents(claimed)), *([None] * 4),
    )  # fmt: skip


def claim_rows(claimed: Claimed) -> Table:
    """The same as one flat table: `row` says whether it is a day, what has no day, a licence or the claim."""
    bases = bases_of([report for _, report in claimed.lines])
    header = (
        "row", "claim", "plate", "licence", "day", *DAY_HEADER, *(f"{basis}_km" for basis in bases), "claimed_km", "estimate",
        "note",
    )  # fmt: skip
    number = claimed.claim.number
    rows: list[tuple[Cell, ...]] = []
    for line, report in claimed.lines:
        for row in day_rows(report, bases):
            kind = "licence" if row[0] == "total" else "no_day" if row[0] == NO_DAY else "day"
            worth = (line.distance_km, dollars(line.estimate_cents)) if kind == "licence" else (None, None)
            day = row[0] if kind == "day" else None
            rows.append((kind, number, line.plate, line.number, day, *row[1:-1], *worth, row[-1]))
    totals = [report.totals for _, report in claimed.lines]
    whole = _added(totals, bases)
    worth = (sum(line.distance_km for line, _ in claimed.lines), dollars(_cents(claimed)))
    rows.append(("claim", number, None, None, None, *_day_cells(whole, bases), *worth, None))
    return Table("Claim", header, tuple(rows), sums=1)
