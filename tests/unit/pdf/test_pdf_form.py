"""The form's data: sheets, boxes, grouping (rules FO1, CL1)."""

import msgspec
import pytest

from services.pdf.domain.figures import km, percent
from services.pdf.domain.form import FormError, boxes, grouped_by_plate, sheets
from services.pdf.domain.map import draw
from services.pdf.render.forms import template
from shared.contracts.claim import FormLine, FormSnapshot, Track
from tests.unit.pdf.snapshots import form_snapshot, line

TEMPLATE, REASONS = template("rucor-9row")


def test_FO1_nine_rows_a_sheet_the_rest_on_the_next() -> None:
    made = sheets(form_snapshot([line(f"P{i}") for i in range(11)]), TEMPLATE)
    assert [(s.number, s.of, sum(r is not None for r in s.rows), len(s.rows)) for s in made] == [
        (1, 2, 9, 9),
        (2, 2, 2, 9),
    ]


def test_EL3_sheets_are_printed_as_claims_packed_them() -> None:
    lines = [msgspec.structs.replace(line(f"P{i}"), sheet=1 + i % 2) for i in range(10)]
    made = sheets(form_snapshot(lines), TEMPLATE)
    assert [[row.plate for row in sheet.rows if row is not None] for sheet in made] == [
        ["P0", "P2", "P4", "P6", "P8"],
        ["P1", "P3", "P5", "P7", "P9"],
    ]


def test_FO1_entries_of_one_plate_stand_together_in_first_seen_order() -> None:
    lines = [line("B", "1"), line("A", "2"), line("B", "3"), line("A", "4")]
    assert [(x.plate, x.licence_number) for x in grouped_by_plate(lines)] == [
        ("B", "1"),
        ("B", "3"),
        ("A", "2"),
        ("A", "4"),
    ]


def test_FO1_account_boxes_are_filled_from_the_left() -> None:
    (sheet,) = sheets(form_snapshot([line("A")], bank_account="0102420100194000"), TEMPLATE)
    assert len(sheet.account) == 20
    assert "".join(sheet.account) == "0102420100194000"
    assert sheet.account[16:] == ("",) * 4
    assert sheet.customer_number == ("",) * 10


def test_FO1_reason_codes_1_to_18_in_three_columns() -> None:
    assert sorted(int(code) for row in REASONS for code, _ in row) == list(range(1, 19))
    assert REASONS[0] == (("1", "Dairy supply"), ("7", "Construction"), ("13", "Refrigerated Haulage"))


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (form_snapshot([]), "at least one line"),
        (form_snapshot([line("A", km=0)]), "at least one whole kilometre"),
        (form_snapshot([line("A", reason=19)]), "reason code 19"),
        (form_snapshot([line("A")], first_claim=True, customer_number="123456789"), "first claim"),
        (form_snapshot([line("A")], bank_account="1" * 21), "20 boxes"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_with_its_reason(snapshot: FormSnapshot, says: str) -> None:
    with pytest.raises(FormError, match=says):
        sheets(snapshot, TEMPLATE)


def test_an_unknown_template_names_the_known_ones() -> None:
    with pytest.raises(FormError, match="rucor-9row"):
        template("rucor-2099")


def test_boxes_hold_one_character_each() -> None:
    assert boxes("12", 3, "x") == ("1", "2", "")


def test_kilometres_are_cut_never_rounded_up() -> None:
    assert km(1_999_999) == "1.999"
    assert km(1_234_567_890) == "1\u202f234.567"
    assert percent(999, 1000) == "99.9 %"
    assert percent(1, 0) == "–"


def test_map_keeps_tracks_inside_its_frame_and_leaves_far_roads_out() -> None:
    track = Track(surface="off_road", points=((175.0, -38.0), (175.01, -38.01)))
    near = Track(surface="public_road", points=((175.0, -38.005), (175.02, -38.005)))
    far = Track(surface="public_road", points=((170.0, -44.0), (170.1, -44.0)))
    drawn = draw([track], [near, far])
    assert drawn is not None
    assert len(drawn.roads) == 1
    for point in drawn.tracks[0].points.split():
        x, y = (float(v) for v in point.split(","))
        assert 0 <= x <= drawn.width
        assert 0 <= y <= drawn.height
    assert draw([], [near]) is None


def test_snapshot_survives_json() -> None:
    snapshot = form_snapshot([line("A")])
    assert msgspec.json.decode(msgspec.json.encode(snapshot), type=FormSnapshot) == snapshot
    assert isinstance(snapshot.lines[0], FormLine)
