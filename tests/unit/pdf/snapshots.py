"""Snapshots for the pdf tests: small, complete, invented."""

from collections.abc import Sequence
from typing import Any

from shared.contracts.claim import DayLine, FormLine, FormSnapshot, LicenceReport, ReportFinding, Track


def line(plate: str, number: str = "RUC1", km: int = 300, reason: int = 2) -> FormLine:
    return FormLine(
        plate=plate, licence_number=number, distance_km=km, reason_code=reason, method="GPS",
        specify_type="Vehicle telematics unit", licence_id=f"{plate}-{number}",
    )  # fmt: skip


def form_snapshot(lines: Sequence[FormLine], **changes: Any) -> FormSnapshot:
    values: dict[str, Any] = {
        "claim_id": "c-1", "claim_number": "RUCOR-000001", "template_version": "rucor-9row", "lodged_on": "2026-11-22",
        "customer_number": "", "first_claim": False, "applicant_name": "Tūī Flat Stations <Ltd> & Sons", "lines": tuple(lines),
        "travel_description": "Stock work on our own farm tracks and paddocks", "records_held": "GPS tracking",
        "person_completing": "Mere Tūhoe", "email": "office@example.nz", "phone": "07 555 0101",
        "address": "412 Awaroa Valley Road, RD 2, Te Rimu", "bank_account": "0102420100194000",
        "bank_account_name": "Tūī Flat Stations Ltd",
    }  # fmt: skip
    return FormSnapshot(**(values | changes))


def day(iso: str, public: int, off: int, unknown: int) -> DayLine:
    return DayLine(
        day=iso, public_mm=public, off_road_mm=off, unknown_mm=unknown, carried_mm=0, uncovered_mm=0, fixes=900,
        off_road_by_basis={"private_road": off},
    )  # fmt: skip


def report_snapshot(**changes: Any) -> LicenceReport:
    values: dict[str, Any] = {
        "claimant_name": "Tūī Flat Stations Ltd", "plate": "KTR412", "vehicle": "farm ute", "licence_number": "88012345",
        "licence_kind": "D", "recorder": "odometer", "start_km": 82_000, "end_km": 83_000, "issued_on": "2026-10-30",
        "period": ("2026-11-04", "2026-11-05"), "state": "claimable", "claimed_as": "",
        "days": (day("2026-11-04", 40_123_456, 31_222_333, 1_222_111), day("2026-11-05", 1_000_000, 2_000_000, 0)),
        "totals": day("", 41_123_456, 33_222_333, 1_222_111), "claimable_km": 33, "rate": "$76.00", "estimate": "$2.50",
        "closure": "Closed on the odometer between actual readings.", "coverage_percent": "99.1 %",
        "findings": (ReportFinding(rule="EL1", outcome="warn", reason="Ended by overlap.", source="form note 7"),),
        "tracks": (Track(surface="off_road", points=((175.0, -38.0), (175.01, -38.01), (175.02, -38.0))),),
        "roads": (Track(surface="public_road", points=((175.0, -38.01), (175.03, -38.0))),),
        "evidence": {"road data set": "abcdef0123456789"}, "labels": ("demo readings",), "generated_on": "2026-11-22",
    }  # fmt: skip
    return LicenceReport(**(values | changes))
