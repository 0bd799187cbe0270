"""The documents themselves: every panel of rule FO1 is printed, text is escaped, bytes repeat, nothing is fetched."""

import io
import re

import pytest
from msgspec import structs
from pypdf import PdfReader
from weasyprint.urls import FatalURLFetchingError

from services.pdf.render.documents import OwnFontsOnly
from services.pdf.render.forms import form_pdf
from services.pdf.render.reports import report_pdf
from shared.contracts.claim import PlaceLine
from tests.unit.pdf.snapshots import day, form_snapshot, line, report_snapshot

PANELS = [
    "Off-road customer number", "Please tick if this is your first off-road refund claim", "Company name / surname / customer name",
    "Please ensure all fields are completed.", "group entries of the same registration plate", "Registration plate",
    "RUC licence number", "Distance claimed", "Reason code", "Method used to record distance claimed", "Specify type",
    "Brief description of off-road travel", "What records are you able to supply to validate this claim?",
    "Claims must be supported by records", "I have read the notes on the back of this form. I certify that the particulars given are correct.",
    "Signature of applicant", "Name of person completing this form", "Email address", "Please supply full address", "Phone number",
    "Bank account number", "Bank account name", "FOR OFFICE USE ONLY", "Initials",
]  # fmt: skip
NOTES = [
    "1. Completing this form", "2. Your information", "3. Off-road customer number", "4. Total distance claimed", "5. Reason code",
    "6. Specify type", "7. Records of off-road travel", "8. Refund payment", "9. More information",
    "admin.RUCassessments@nzta.govt.nz", "Private Bag 11777", "Palmerston North 4442", "Govt, Local Body, Community",
]  # fmt: skip


def pages(pdf: bytes) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


def test_FO1_every_panel_on_the_front_every_note_on_the_back() -> None:
    front, back = pages(form_pdf(form_snapshot([line("KTR412", "88012345", 437)])))
    for text in PANELS:
        assert text in front
    for text in NOTES:
        assert text in back
    for value in ("KTR412", "88012345", "437", "Mere Tūhoe", "office@example.nz", "Tūī Flat Stations <Ltd> & Sons"):
        assert value in front


def test_FO1_ten_lines_make_two_sheets_each_with_its_notes() -> None:
    text = pages(form_pdf(form_snapshot([line(f"P{i}") for i in range(10)])))
    assert [
        "Sheet 1 of 2" in text[0],
        "RUCOR – NOTES" in text[1],
        "Sheet 2 of 2" in text[2],
        "RUCOR – NOTES" in text[3],
    ] == [True] * 4
    assert len(text) == 4


def test_FO3_the_same_snapshot_gives_the_same_bytes() -> None:
    snapshot = form_snapshot([line("A")])
    assert form_pdf(snapshot) == form_pdf(snapshot)


def test_FO1_first_claim_is_ticked_and_the_number_stays_blank() -> None:
    ticked = pages(form_pdf(form_snapshot([line("A")], first_claim=True)))[0]
    plain = pages(form_pdf(form_snapshot([line("A")], customer_number="123456789")))[0]
    assert "×" in ticked
    assert "×" not in plain
    assert "1 2 3 4 5 6 7 8 9" in plain or "123456789" in plain.replace(" ", "")


def test_CL8_the_report_says_not_claimed_until_it_is() -> None:
    assert "Not claimed" in pages(report_pdf(report_snapshot()))[0]
    claimed = pages(report_pdf(report_snapshot(claimed_as="RUCOR-000001")))[0]
    assert "Claimed as RUCOR-000001" in claimed
    assert "Not claimed" not in claimed


def test_CL8_the_report_holds_days_totals_findings_and_evidence() -> None:
    text = " ".join(pages(report_pdf(report_snapshot())))
    for value in ("2026-11-04", "31.222", "33.222", "EL1", "Ended by overlap.", "abcdef0123456789", "demo readings"):
        assert value in text


def test_CL8_unknown_metres_of_no_day_have_a_row_so_that_the_table_adds_up() -> None:
    totals = day("", 41_123_456, 33_222_333, 6_222_111)
    text = " ".join(pages(report_pdf(report_snapshot(totals=totals))))
    assert "explained by no fix 5.000" in text
    assert "explained by no fix" not in " ".join(pages(report_pdf(report_snapshot())))


def test_CL8_LI2_what_was_counted_before_the_issue_on_no_day_has_its_row_too() -> None:
    totals = structs.replace(day("", 41_123_456, 33_222_333, 1_222_111), uncovered_mm=7_000_000)
    text = " ".join(pages(report_pdf(report_snapshot(totals=totals))))
    assert "explained by no fix 7.000" in text
    assert "travel without a current licence 7.000 km" in text


def test_SU7_metres_over_public_roads_are_printed_with_their_warning() -> None:
    note = "Of the distance claimed, 3.200 km lie on ways that maps show as public roads (88012345: 3.200 km)."
    assert note in pages(form_pdf(form_snapshot([line("KTR412", "88012345", 437)], notes=(note,))))[0]
    off = {"private_road": 30_022_333, "declared_over_public": 3_200_000}
    report = report_snapshot(
        totals=structs.replace(day("", 41_123_456, 33_222_333, 1_222_111), off_road_by_basis=off),
        evidence={"land over public roads": "§37 land 'Quarry stage 2'"},
    )
    text = " ".join(pages(report_pdf(report)))
    assert "3.200 km of this distance lie on mapped public roads." in text
    assert "Quarry stage 2" in text
    assert "lie on mapped public roads" not in " ".join(pages(report_pdf(report_snapshot())))


def test_DI6_a_report_tells_where_it_was_off_road() -> None:
    places = (
        PlaceLine(place="Home Block", basis="private_road", off_road_mm=30_022_333, days=12),
        PlaceLine(place="Ridge Road", basis="no_road", off_road_mm=3_200_000, days=1),
    )
    text = " ".join(pages(report_pdf(report_snapshot(places=places))))
    assert "Where it was off road Home Block" in text
    assert "12 days 30.022 km" in text
    assert "1 day 3.200 km" in text
    assert "Where it was off road" not in " ".join(pages(report_pdf(report_snapshot())))


def test_a_report_without_tracks_has_no_map_and_still_renders() -> None:
    assert "Day by day" in " ".join(pages(report_pdf(report_snapshot(tracks=(), roads=(), period=("", "")))))


@pytest.mark.parametrize(
    "url", ["https://example.org/x.ttf", "file:///etc/passwd", "rucor-font:../../secret", "data:text/plain,x"]
)
def test_a_document_may_load_its_own_fonts_and_nothing_else(url: str) -> None:
    with pytest.raises(FatalURLFetchingError, match="may not load"):
        OwnFontsOnly().fetch(url)
    assert len(OwnFontsOnly().fetch("rucor-font:SourceSansPro-Regular.ttf").read()) > 10_000
