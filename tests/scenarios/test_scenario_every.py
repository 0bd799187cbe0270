"""What holds for every scenario, and for the dangerous ones under many skies."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.demo.sample.scenarios.answers import Answer, Answers, answer_all
from deploy.demo.sample.scenarios.catalogue import ALL
from deploy.demo.sample.scenarios.plan import Scenario
from tests.scenarios.judge import claimed_at_most_the_truth

SKIES = 12
NOTHING_TO_CLAIM = (
    "mower_12_m",
    "mower_20_m",
    "overbridge",
    "past_the_yard",
    "canyon",
    "parked_drift_road",
    "tunnel_public",
)
CLOSE_TO_A_ROAD = (
    "lane_12_m",
    "lane_20_m",
    "crossing",
    "underpass",
    "yard",
    "jump",
    "hour_off_proved",
    "hour_off_to_town",
)


@pytest.mark.parametrize("name", [scenario.name for scenario in ALL])
def test_every_segment_names_its_paragraph_and_the_day_closes(answers: Answers, name: str) -> None:
    answer = answers[name]
    assert answer.segments
    assert all(part.why.startswith(("§", "DI1")) for part in answer.segments)
    for outcome, closed in zip(answer.outcomes, answer.closed, strict=True):
        kept = sum(part.mm for part in closed.segments if part.surface != "carried")
        if closed.closure.rule in {"lack", "scaled_down"} and all(part.in_stretch for part in outcome.segments):
            assert kept == closed.closure.recorder_mm


def under_many_skies(names: Sequence[str]) -> list[Scenario]:
    chosen = [scenario for scenario in ALL if scenario.name in names]
    assert len(chosen) == len(names)
    return [
        replace(scenario, name=f"{scenario.name} under sky {sky}", alike=scenario.name, weather=sky)
        for scenario in chosen
        for sky in range(1, SKIES + 1)
    ]


@pytest.fixture(scope="module")
def skies(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    folder: Path = tmp_path_factory.mktemp("skies")
    return list(answer_all(folder, under_many_skies([*NOTHING_TO_CLAIM, *CLOSE_TO_A_ROAD])).by_name.values())


@pytest.mark.parametrize("name", NOTHING_TO_CLAIM)
def test_under_no_sky_is_a_public_road_claimed(skies: list[Answer], name: str) -> None:
    mine = [answer for answer in skies if answer.driven.scenario.alike == name]
    assert len(mine) == SKIES
    assert {answer.off_m for answer in mine} == {0.0}


@pytest.mark.parametrize("name", CLOSE_TO_A_ROAD)
def test_under_no_sky_is_more_claimed_than_was_driven_off_road(skies: list[Answer], name: str) -> None:
    for answer in skies:
        if answer.driven.scenario.alike == name:
            claimed_at_most_the_truth(answer, share=0.005)
