"""The demo's own judgement: it must be able to say no."""

import numpy as np
import pytest

from deploy.demo.own_data import devices, register
from deploy.demo.problems import DemoProblem
from deploy.demo.register import resolved
from deploy.demo.verdict import Expectation, Outcome, accuracy, closure_faults, situation_faults, worst
from shared.contracts.pings import LAYOUT, NONE, make


def outcome(**changes: object) -> Outcome:
    values: dict[str, object] = {
        "ref": "a", "number": "N1", "state": "claimable", "findings": {"EL1": "pass"}, "public_mm": 10, "off_road_mm": 20,
        "unknown_mm": 5, "recorder_mm": 35, "claimable_km": 0,
    }  # fmt: skip
    return Outcome(**(values | changes))  # type: ignore[arg-type]


def test_a_situation_that_ends_otherwise_is_named() -> None:
    want = Expectation("too old", "a", frozenset({"not_claimable"}), {"EL2": "fail"})
    faults = situation_faults([want], {"a": outcome()})
    assert len(faults) == 2
    assert "N1 is claimable" in faults[0]
    assert "EL2 says not judged" in faults[1]
    assert situation_faults([want], {}) == ["too old: licence a is not there"]
    assert situation_faults([want], {"a": outcome(state="not_claimable", findings={"EL2": "fail"})}) == []


def test_surfaces_must_close_on_the_recorder_to_the_millimetre() -> None:
    assert closure_faults([outcome(), outcome(recorder_mm=None)]) == []
    assert "36 mm" in closure_faults([outcome(recorder_mm=36)])[0]


def test_an_excess_on_one_device_never_pays_for_a_lack_on_another() -> None:
    found = accuracy({"a": 110, "b": 90}, {"a": 100, "b": 100})
    assert (found.over_mm, found.under_mm, found.estimated_off_mm, found.true_off_mm) == (10, 10, 200, 200)
    assert (found.over_percent, found.under_percent) == (5.0, 5.0)
    assert accuracy({"a": 1}, {"a": 0}).over_percent == 100.0


def test_the_worst_finding_of_a_rule_counts() -> None:
    assert worst(["pass", "fail", "warn"]) == "fail"


def test_references_are_replaced_and_an_unknown_name_is_a_problem() -> None:
    assert resolved({"x": ["@vehicle:u", 1], "y": "plain"}, {"vehicle:u": "id"}) == {"x": ["id", 1], "y": "plain"}
    with pytest.raises(DemoProblem, match="vehicle:w"):
        resolved("@vehicle:w", {})


def test_own_pings_make_a_licence_from_the_thousand_below_to_the_thousand_above() -> None:
    columns = {name: np.full(3, NONE) for name, _ in LAYOUT} | {
        "key": np.array([0, 0, 1]),
        "ts_ms": np.array([1_772_474_460_000, 1_772_474_400_000, 1_772_474_400_000]),
        "odometer_mm": np.array([53_012_500_000, 52_712_668_000, NONE]),
    }
    seen, posts = register(devices(make([("", "with"), ("", "without")], columns)))
    assert [(one.device, one.first_odometer_m, one.last_odometer_m) for one in seen] == [
        ("with", 52_712_668, 53_012_500),
        ("without", None, None),
    ]
    licences = [post.body for post in posts if post.path == "/licences"]
    assert [(one["start_reading"], one["end_reading"], one["units"]) for one in licences] == [
        (52_000, 54_000, 2),
        (54_000, 55_000, 1),
        (0, 1000, 1),
    ]
    readings = [post.body["value"] for post in posts if post.path == "/readings"]
    assert readings == [52_000, 52_712, 53_012, 54_000]
    assert {post.body["label"] for post in posts if post.path == "/readings"} == {"demo"}
