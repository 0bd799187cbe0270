"""Rule EX3: geodesic metres to the edge of the legal boundary, and what travel beyond ten kilometres is."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.exemption.exemption_life import Happened, advance_exemption, duties, owed, words_of
from services.claims.domain.exemption.exemption_watch import Exception_, Far, Stretch, watch
from services.claims.domain.exemption.reach import InvalidBoundary, Position, boundary_of, length_beyond_m
from services.claims.policy import load

WEST, SOUTH, SIZE = 175.60, -40.40, 0.02
RING = [
    [WEST, SOUTH], [WEST + SIZE, SOUTH], [WEST + SIZE, SOUTH + SIZE], [WEST, SOUTH + SIZE], [WEST, SOUTH],
]  # fmt: skip
FARM = {"type": "Polygon", "coordinates": [RING]}
AT = datetime(2026, 10, 5, 9, tzinfo=UTC)
LIMIT_M = 10_000.0


def geodesic_to_edge_m(at: Position) -> float:
    """By brute force: the edge cut into pieces of about two metres."""
    return min(
        Geodesic.WGS84.Inverse(at[1], at[0], y1 + (y2 - y1) * part / 1000, x1 + (x2 - x1) * part / 1000)["s12"]
        for (x1, y1), (x2, y2) in pairwise(RING)
        for part in range(1001)
    )


@pytest.mark.parametrize("at", [(175.75, -40.39), (175.5, -40.6), (176.1, -40.0), (175.61, -39.95), (175.6, -40.405)])
def test_EX3_the_distance_is_the_geodesic_to_the_nearest_point_of_the_edge(at: Position) -> None:
    (found,) = boundary_of(FARM).from_edge_m([at])
    assert found == pytest.approx(geodesic_to_edge_m(at), abs=0.6)


@given(st.floats(0, 1), st.floats(0, 1))
def test_EX3_inside_the_boundary_the_distance_is_nothing(x: float, y: float) -> None:
    (found,) = boundary_of(FARM).from_edge_m([(WEST + x * SIZE, SOUTH + y * SIZE)])
    assert found <= 0.5, "an edge of two kilometres bends by less than this between degrees and metres"


def test_EX3_of_several_parcels_the_nearest_edge_counts() -> None:
    far = [[x + 0.3, y] for x, y in RING]
    both = boundary_of({"type": "MultiPolygon", "coordinates": [[RING], [far]]})
    alone = boundary_of(FARM)
    at = (WEST + 0.29, SOUTH + 0.01)
    assert both.from_edge_m([at])[0] < 1_000 < alone.from_edge_m([at])[0]


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({"type": "Point", "coordinates": [175.6, -40.4]}, "not a point"),
        ({"type": "LineString", "coordinates": RING}, "not a point"),
        ({"type": "Polygon", "coordinates": []}, "rings"),
        ({"type": "Polygon", "coordinates": [RING[:3]]}, "a ring has"),
        ({"type": "Polygon", "coordinates": [RING[:-1]]}, "ends where it begins"),
        ({"type": "Polygon", "coordinates": [[[y, x] for x, y in RING]]}, "outside New Zealand"),
        ({"type": "Polygon", "coordinates": [[RING[0], RING[2], RING[1], RING[3], RING[0]]]}, "is no polygon"),
        ({"type": "Polygon", "coordinates": [[["a", 1], *RING[1:]]]}, "a position is"),
        ({"type": "MultiPolygon", "coordinates": [RING]}, "a ring has"),
        ({"type": "Polygon"}, "rings"),
    ],
)
def test_EX3_what_is_no_boundary_is_refused_with_its_place(geometry: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidBoundary, match=words) as refused:
        boundary_of(geometry)
    assert refused.value.pointer.startswith("/")


def test_EX3_the_length_beyond_is_cut_where_the_line_crosses_the_limit() -> None:
    boundary = boundary_of(FARM)
    line = [(WEST + SIZE + x / 100, SOUTH + 0.01) for x in range(30)]
    distances = boundary.from_edge_m(line)
    whole = length_beyond_m(line, distances, 0.0)
    beyond = length_beyond_m(line, distances, LIMIT_M)
    assert whole - beyond == pytest.approx(LIMIT_M, abs=5)


def stretch(surface: Any = "public_road", start: float = 9_000.0, end: float = 9_000.0, km: float = 5.0) -> Stretch:
    start_ms = int(AT.timestamp() * 1000)
    return Stretch(
        device="imei-1", surface=surface, start_ms=start_ms, end_ms=start_ms + 600_000, mm=int(km * 1_000_000),
        start_from_edge_m=start, end_from_edge_m=end,
    )  # fmt: skip


@given(st.floats(0, 30_000), st.floats(0, 30_000), st.floats(0, 40_000), st.floats(0, 1))
def test_EX3_a_stretch_that_was_too_far_is_never_passed_over(
    start: float, end: float, more: float, part: float
) -> None:
    """A way of `length` from one end to the other reaches at most half of what it has to spare beyond its ends."""
    length = abs(start - end) + more
    farthest = max(start, end) + part * more / 2
    if farthest > LIMIT_M:
        assert stretch(start=start, end=end, km=length / 1000).may_pass(LIMIT_M)
    assert not stretch(start=100, end=200, km=1).may_pass(LIMIT_M)


def exception(kind: Any, *, back: bool = False, looked_by: str = "", minutes: int = 30) -> Exception_:
    until = AT + timedelta(minutes=minutes)
    return Exception_(name=f"{kind}", kind=kind, from_at=AT, until_at=until, back=back, looked_by=looked_by)


FAR = Far(stretch=stretch(), farthest_m=12_345.6, beyond_m=2_000)


def test_EX3_beyond_ten_kilometres_is_a_breach_unless_an_exception_is_recorded() -> None:
    assert watch(FAR, [], LIMIT_M).status == "breach"
    assert "12.346 km from the boundary, 2.000 km of it beyond 10 km" in watch(FAR, [], LIMIT_M).words
    for kind in ("constable", "civil_defence", "sale"):
        found = watch(FAR, [exception(kind)], LIMIT_M)
        assert (found.status, found.exception) == ("excepted", kind)
    short = exception("constable", minutes=5)
    assert watch(FAR, [short], LIMIT_M).status == "breach", "it must cover the whole stretch"


@pytest.mark.parametrize("kind", ["inspection", "repair"])
def test_EX3_the_most_direct_and_practical_route_is_judged_by_a_person(kind: str) -> None:
    assert watch(FAR, [exception(kind)], LIMIT_M).status == "look"
    seen = watch(FAR, [exception(kind), exception(kind, looked_by="A Reid")], LIMIT_M)
    assert (seen.status, "A Reid looked at it" in seen.words) == ("excepted", True)


def test_EX3_the_return_trip_is_judged_by_a_person() -> None:
    assert watch(FAR, [exception("constable", back=True)], LIMIT_M).status == "look"


def test_EX3_only_the_public_road_counts_and_the_unknown_is_possible() -> None:
    found = watch(Far(stretch=stretch("unknown"), farthest_m=12_000, beyond_m=1), [], LIMIT_M)
    assert found.status == "possible"


def test_EX4_each_duty_arises_with_its_step_and_ends_with_its_report() -> None:
    policy, monday = load(), date(2026, 11, 2)
    happened = [
        Happened(kind="granted", on=monday),
        Happened(kind="changed", on=monday),
        Happened(kind="done", on=monday, code="tell_changes"),
        Happened(kind="changed", on=monday + timedelta(days=1)),
        Happened(kind="reading_requested", on=monday + timedelta(days=1)),
        Happened(kind="ended", on=monday + timedelta(days=2)),
    ]
    found = [(one.code, one.done_on is not None, one.due_on) for one in duties(happened, policy)]
    assert found == [
        ("display_label", False, date(2026, 11, 9)),
        ("tell_changes", True, date(2026, 11, 9)),
        ("tell_changes", False, date(2026, 11, 10)),
        ("give_reading", False, date(2026, 11, 10)),
        ("give_last_reading", False, date(2026, 11, 11)),
    ]


def test_EX4_a_duty_is_due_on_its_day_and_overdue_from_the_next() -> None:
    (label,) = owed([Happened(kind="granted", on=date(2026, 11, 2))], load())
    assert (label.code, label.due_on, label.seq) == ("display_label", date(2026, 11, 9), 1)
    assert [label.lateness(date(2026, 11, day)) for day in (8, 9, 10)] == [None, "due", "overdue"]
    assert words_of(label, date(2026, 11, 9)).startswith("owed since 2026-11-02, to be done by 2026-11-09: Display the")
    assert words_of(label, date(2026, 11, 10)).startswith("owed since 2026-11-02, was to be done by 2026-11-09: ")


def test_EX4_after_its_end_no_label_is_owed_and_of_what_never_was_in_force_nothing() -> None:
    on = date(2026, 11, 2)
    happened = [Happened(kind=kind, on=on) for kind in ("drafted", "sent", "granted", "changed", "ended")]
    assert [(one.code, one.seq) for one in owed(happened, load())] == [("tell_changes", 4), ("give_last_reading", 5)]
    reported = [*happened, Happened(kind="done", on=on, code="tell_changes")]
    assert [one.code for one in owed(reported, load())] == ["give_last_reading"]
    assert owed([*happened, Happened(kind="annulled", on=on)], load()) == ()


def test_EX4_steps_go_in_their_order() -> None:
    assert advance_exemption("draft", "sent") == "sent"
    with pytest.raises(IllegalStep) as refused:
        advance_exemption("declined", "granted")
    assert refused.value.allowed == ()
