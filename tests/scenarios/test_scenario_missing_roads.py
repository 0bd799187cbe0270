"""Rule SU4's batch report: probable missing public roads, found by repetition, and proposed for exclusion."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from click.testing import CliRunner

from deploy.demo.sample.scenarios.answers import Answers, answer_all
from deploy.demo.sample.scenarios.drive import write_pings
from services.classifier.api.ruling_schemas import ExclusionBody
from services.classifier.application.missing_roads import as_json, as_text, exclusion_of, in_pings
from services.classifier.application.polygons import from_geojson
from services.classifier.application.probable_roads import POLICY, ProbableRoad
from services.classifier.cli_missing import missing
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import Exclusion, Rulings
from services.classifier.domain.scheme import V1
from shared.nz_days import from_ordinal
from tests.scenarios.missing import APART, FARM, LONE, ONE_FAST, TRACKS, TWO_TRUCKS, fleets

TRUE_LENGTH_M = 5_150.0


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answer_all(tmp_path_factory.mktemp("fleets"), fleets())


@pytest.fixture(scope="module")
def found(fleet: Answers) -> list[ProbableRoad]:
    return in_pings(fleet.pings, fleet.roads, V1)


def of(found: Sequence[ProbableRoad], tenant: str) -> list[ProbableRoad]:
    return [one for one in found if one.tenant == tenant]


def test_SU4_two_trucks_on_two_days_on_one_line_are_a_probable_road(fleet: Answers, found: list[ProbableRoad]) -> None:
    (one,) = of(found, TWO_TRUCKS)
    assert one.sign == "repeated"
    assert one.length_m == pytest.approx(TRUE_LENGTH_M, rel=0.05)
    assert one.devices == ("truck 1", "truck 2")
    assert [str(from_ordinal(day)) for day in one.days] == ["2026-09-01", "2026-09-02"]
    claimed = sum(fleet[name].said_m("off_road", "no_road") for name in one.devices)
    assert one.off_road_m == pytest.approx(claimed, rel=0.02)
    assert {end.road.strip() for end in one.ends} == {"Old Road", "Far Road"}
    assert all(end.road_m <= POLICY.joins_m for end in one.ends)
    assert 25 <= one.speed_kmh[0] <= one.speed_kmh[1] <= one.speed_kmh[2] <= 36


def test_SU4_a_single_ute_that_moves_like_on_a_road_is_reported_as_such(found: list[ProbableRoad]) -> None:
    (one,) = of(found, ONE_FAST)
    assert one.sign == "moves_like_a_road"
    assert one.like_a_road_m > 0.9 * 4 * TRUE_LENGTH_M


@pytest.mark.parametrize("tenant", [LONE, APART])
def test_SU4_one_truck_alone_is_no_repetition_and_tenants_are_never_mixed(
    found: list[ProbableRoad], tenant: str
) -> None:
    """Two tenants' trucks drove the line on two days; neither tenant learns of the other."""
    assert of(found, tenant) == []


@pytest.mark.parametrize("tenant", [FARM, TRACKS])
def test_SU4_a_worked_paddock_and_a_slow_dead_end_are_not_reported(found: list[ProbableRoad], tenant: str) -> None:
    """Two devices on two days in both: but rows beside rows are no line, and a farm's own track is slow and joins nothing."""
    assert of(found, tenant) == []


def test_SU4_the_proposed_exclusion_takes_the_road_out_and_little_else(
    fleet: Answers, found: list[ProbableRoad]
) -> None:
    (one,) = of(found, TWO_TRUCKS)
    body = exclusion_of(one)
    assert ExclusionBody.model_validate(json.loads(json.dumps(body))).state == "proposed"
    assert body["from_at"] == "2026-09-01T00:00:00+12:00"
    polygon = shapely.geometry.shape(body["polygon"])
    assert polygon.is_valid
    assert polygon.area * 111_100.0**2 * np.cos(np.radians(38.2)) < one.length_m * POLICY.half_width_m * 2.6
    taken_out = Exclusion("1", "", 0, 1 << 50, from_geojson(json.loads(json.dumps(body["polygon"]))).wkb)
    days = classify_days(fleet.pings, None, fleet.roads, V1, {TWO_TRUCKS: Rulings(exclusions=(taken_out,))})
    left = sum(t.mm for day in days if day.key[0] == TWO_TRUCKS for t in day.totals if t.surface == "off_road") / 1000.0
    assert left <= 0.02 * one.off_road_m
    assert of(in_pings(fleet.pings, fleet.roads, V1, {TWO_TRUCKS: Rulings(exclusions=(taken_out,))}), TWO_TRUCKS) == []


def test_the_report_does_not_depend_on_the_order_of_fixes(fleet: Answers, found: list[ProbableRoad]) -> None:
    order = np.random.default_rng(5).permutation(len(fleet.pings))
    again = in_pings(replace(fleet.pings.take(order)), fleet.roads, V1)
    assert [as_json(one) for one in again] == [as_json(one) for one in found]


def test_a_line_shorter_than_the_policy_is_not_reported(fleet: Answers) -> None:
    assert in_pings(fleet.pings, fleet.roads, V1, policy=POLICY._replace(length_min_m=6_000.0)) == []


def test_rucor_roads_missing_offline_prints_roads_and_exclusions(
    fleet: Answers, found: list[ProbableRoad], tmp_path: Path
) -> None:
    """Offline there are no tenants: a file of pings is one fleet's."""
    mine = [fleet[name].driven for name in ("truck 1", "truck 2")]
    pings = write_pings(tmp_path / "pings.ndjson", mine)
    options = ["--roads", str(fleet.roads.path), "--pings", str(pings)]
    text = CliRunner().invoke(missing, options)
    assert text.exit_code == 0, text.output
    assert text.output.startswith("1. 5,")
    lines = CliRunner().invoke(missing, [*options, "--json"])
    (row,) = [json.loads(line) for line in lines.output.splitlines()]
    (one,) = of(found, TWO_TRUCKS)
    assert row == json.loads(json.dumps(as_json(one) | {"tenant": ""}))
    nothing = CliRunner().invoke(missing, [*options, "--to", "2026-08-31"])
    assert (nothing.exit_code, nothing.output) == (0, as_text([]) + "\n")


def test_rucor_roads_missing_says_what_it_needs(fleet: Answers, tmp_path: Path) -> None:
    asked = CliRunner().invoke(missing, ["--roads", str(fleet.roads.path)])
    assert asked.exit_code != 0
    assert "--tenant" in asked.output
    tenant = ["--tenant", TWO_TRUCKS, "--from", "2026-09-01", "--to", "2026-09-02", "--data-dir", str(tmp_path)]
    unreachable = CliRunner().invoke(missing, ["--roads", str(fleet.roads.path), *tenant])
    assert unreachable.exit_code != 0
    assert "no running stack" in unreachable.output
