"""The register: complete, in order, true to the recorders, and each of the ten situations is what it says."""

import re
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from stdnum.nz import bankaccount

from services.claims.api.register import register_schemas
from services.claims.api.statement import licence_schemas
from shared.nz_days import AUCKLAND, bounds_ms
from tests.unit.sample.conftest import UNTIL, Made

TEN = {
    "claimable", "running", "no newer licence", "too old", "under $20",
    "overlapped", "recorder changed", "sold", "claimed outside", "coverage gap",
}  # fmt: skip
BODIES = {
    "/claimants": register_schemas.ClaimantBody,
    "/vehicles": register_schemas.VehicleBody,
    "/devices": register_schemas.AssignmentBody,
    "/couplings": register_schemas.CouplingBody,
    "/recorders": register_schemas.RecorderBody,
    "/readings": register_schemas.ReadingBody,
    "/licences": licence_schemas.LicenceBody,
    "sale": register_schemas.SaleBody,
    "claimed-outside": licence_schemas.OutsideBody,
}
ANY_ID = "00000000-0000-4000-8000-000000000000"


def _at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def test_all_ten_situations_occur_each_with_its_outcome(made: Made) -> None:
    rows = made.register["expect"]
    assert {row["situation"] for row in rows} >= TEN
    for row in rows:
        assert row["states"]
        assert row["findings"]
        assert row["why"]
    assert len({row["licence"] for row in rows}) == len(rows) == len(made.posts("/licences"))


def test_every_body_is_one_the_claims_api_takes(made: Made) -> None:
    for post in made.register["posts"]:
        kind = post["path"] if post["path"] in BODIES else post["path"].rsplit("/", 1)[1]
        body = {k: ANY_ID if isinstance(v, str) and v.startswith("@") else v for k, v in post["body"].items()}
        TypeAdapter(BODIES[kind]).validate_python(body)


def test_nothing_is_named_before_it_is_posted(made: Made) -> None:
    known: set[str] = set()
    for post in made.register["posts"]:
        named = {v[1:] for v in post["body"].values() if isinstance(v, str) and v.startswith("@")}
        named |= set(re.findall(r"\{([^}]+)\}", post["path"]))
        assert named <= known, post
        if post["name"]:
            assert post["name"] not in known
            known.add(post["name"])


def test_EL8_bank_accounts_are_valid(made: Made) -> None:
    accounts = [post["body"]["bank_account"] for post in made.posts("/claimants")]
    assert len(accounts) == 2
    assert all(bankaccount.is_valid(account) for account in accounts)


def test_VE1_plates_fit_and_the_trailer_has_its_own(made: Made) -> None:
    plates = [post["body"]["plate"] for post in made.posts("/vehicles")]
    assert len(set(plates)) == len(plates) == 13
    assert all(re.fullmatch(r"[A-Z0-9]{1,6}", plate) for plate in plates)
    (trailer,) = [post for post in made.posts("/vehicles") if post["body"].get("powered") is False]
    assert trailer["body"]["gross_kg"] > 3500
    assert len(made.posts("/couplings")) == 2
    assert all(_at(post["body"]["from"]) < _at(post["body"]["to"]) for post in made.posts("/couplings"))
    recorders = [post["body"] for post in made.posts("/recorders")]
    assert any(r["vehicle_id"] == "@vehicle:stock-trailer" and r["kind"] == "hubodometer" for r in recorders)


def test_VE5_the_tractor_is_exempt_and_buys_no_licence(made: Made) -> None:
    (tractor,) = [post["body"] for post in made.posts("/vehicles") if post["body"].get("exempt")]
    assert tractor["ref"] == "tractor"
    assert all(post["body"]["vehicle_id"] != "@vehicle:tractor" for post in made.posts("/recorders"))


def test_LI5_light_licences_cost_76_dollars_a_unit_and_gross_is_given_for_all(made: Made) -> None:
    for post in made.posts("/licences"):
        body = post["body"]
        per_unit = body["gross_cents"] / body["units"]
        assert body["end_reading"] - body["start_reading"] == 1000 * body["units"]
        assert (
            per_unit == 7600
            if body["recorder_id"].startswith(("@recorder:ute", "@recorder:cour"))
            else per_unit > 10_000
        )


def _readings(made: Made, recorder: str) -> dict[int, float]:
    """value → first instant."""
    out: dict[int, float] = {}
    for post in made.posts("/readings"):
        if post["body"]["recorder_id"] == f"@recorder:{recorder}":
            out.setdefault(post["body"]["value"], _at(post["body"]["at"]))
    return out


@pytest.mark.parametrize(
    "situation",
    [
        "claimable",
        "no newer licence",
        "too old",
        "under $20",
        "stock truck",
        "trailer",
        "claimed outside",
        "coverage gap",
    ],
)
def test_DI3_actual_readings_lie_at_both_ends(made: Made, situation: str) -> None:
    licence = made.licence(situation)
    readings = _readings(made, licence["recorder_id"].removeprefix("@recorder:"))
    assert {licence["start_reading"], licence["end_reading"]} <= set(readings)
    last = bounds_ms(made.first_day + 13)[1]
    assert readings[licence["end_reading"]] < last


@pytest.mark.parametrize("ref", ["ute-1", "ute-4", "ute-5"])
def test_readings_agree_with_the_odometer_in_the_pings(made: Made, ref: str) -> None:
    """Between the fix before and the fix after a reading, the device's own odometer passes it."""
    fixes = made.driven[ref].fixes
    for value, at in _readings(made, ref).items():
        after = int(np.searchsorted(fixes.ts_ms, at))
        if 0 < after < len(fixes.ts_ms) - 1 and fixes.ts_ms[0] < at:
            assert fixes.odometer_m[after - 1] - 10 <= value * 1000 + 1000
            assert fixes.odometer_m[after + 1] + 10 >= value * 1000


def test_readings_never_fall(made: Made) -> None:
    by_recorder: dict[str, list[tuple[float, int]]] = {}
    for post in made.posts("/readings"):
        body = post["body"]
        by_recorder.setdefault(body["recorder_id"], []).append((_at(body["at"]), body["value"]))
    assert len(by_recorder) == 13
    for series in by_recorder.values():
        values = [value for _, value in sorted(series)]
        assert values == sorted(values)
        assert len({at for at, _ in series}) == len(series)


def test_a_farm_ute_uses_up_1000_km_with_300_km_off_road(made: Made) -> None:
    licence = made.licence("claimable")
    assert licence["end_reading"] - licence["start_reading"] == 1000
    assert licence["expect"]["true_off_mm"] >= 300_000_000
    total = licence["expect"]["true_total_mm"]
    scale = made.driven["ute-1"].vehicle.recorder_scale
    assert total * scale == pytest.approx(1_000_000_000, abs=1_000)


def test_EL2_too_old_is_more_than_two_years(made: Made) -> None:
    issued = datetime.fromisoformat(made.licence("too old")["issued_at"]).astimezone(AUCKLAND).date()
    assert issued < date(UNTIL.year - 2, UNTIL.month, UNTIL.day)


def test_EL1_no_newer_licence_is_bought(made: Made) -> None:
    licence = made.licence("no newer licence")
    others = [p for p in made.posts("/licences") if p["body"]["recorder_id"] == licence["recorder_id"]]
    assert len(others) == 1


def test_EL3_the_small_claim_stays_under_twenty_dollars_and_the_main_one_does_not(made: Made) -> None:
    small = made.licence("under $20")
    assert small["claimant_id"] == "@claimant:small"
    worth = small["expect"]["true_off_mm"] // 1_000_000 * 7600 // 1000
    assert 0 < worth < 2000
    main: dict[str, Any] = made.licence("claimable")
    assert main["claimant_id"] == "@claimant:main"
    assert main["expect"]["true_off_mm"] // 1_000_000 * 7600 // 1000 > 2000


def test_LI3_overlap_starts_inside_the_older_and_ends_after_it_OT1(made: Made) -> None:
    older = made.licence("overlapped")
    (newer,) = [p["body"] for p in made.posts("/licences") if p["body"]["overlap"]]
    assert older["start_reading"] < newer["start_reading"] < older["end_reading"] < newer["end_reading"]
    assert newer["credit_cents"] == (older["end_reading"] - newer["start_reading"]) * 7600 // 1000
    assert newer["credit_cents"] < newer["gross_cents"]
    assert older["expect"]["until"] == newer["issued_at"]


def test_VE2_recorder_change_starts_a_new_series_with_a_replacement_licence(made: Made) -> None:
    licence = made.licence("recorder changed")
    (new,) = [p["body"] for p in made.posts("/recorders") if p["body"].get("replaces")]
    assert new["replaces"] == licence["recorder_id"]
    assert any(p["body"]["recorder_id"] == "@recorder:quarry-truck-new" for p in made.posts("/licences"))
    last = max(_readings(made, "quarry-truck"))
    assert licence["start_reading"] < last < licence["end_reading"]
    assert min(_readings(made, "quarry-truck-new")) == 0


def test_EL5_sold_at_a_reading_within_the_licence_and_silent_after(made: Made) -> None:
    (sale,) = made.posts("/vehicles/{vehicle:ute-4}/sale")
    licence = made.licence("sold")
    assert licence["start_reading"] < sale["body"]["reading"] < licence["end_reading"]
    assert made.driven["ute-4"].fixes.ts_ms.max() < _at(sale["body"]["at"])


def test_LI7_claimed_outside_is_marked(made: Made) -> None:
    licence = made.licence("claimed outside")
    (mark,) = made.posts("/licences/{licence:" + licence["ref"] + "}/claimed-outside")
    assert mark["body"]["claimed_on"] == str(UNTIL)


def test_EL6_coverage_gap_loses_more_than_a_tenth(made: Made) -> None:
    licence = made.licence("coverage gap")
    track = made.driven["logging-truck"].track
    edges = np.array([bounds_ms(made.first_day + 8)[0], bounds_ms(made.first_day + 9)[1]], float)
    lost_mm = float(np.diff(track.driven_m(edges))[0]) * 1000
    assert lost_mm > 0.15 * licence["expect"]["true_total_mm"]
