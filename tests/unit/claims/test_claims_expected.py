"""Larger than expected must be looked at, by a named person (rule EL7)."""

from services.claims.domain.findings import Finding
from services.claims.domain.statement.usual_share import Look, as_usual, is_looked_at
from services.claims.policy import load
from tests.unit.claims.builders import nz

POLICY = load()
LARGER = as_usual(900, [300, 310, 290], [], POLICY)


def look(statement_hash: str, actor: str = "R Hill") -> Look:
    return Look(statement_hash=statement_hash, reason="a new block of land", actor=actor, at=nz(2026, 11, 20))


def outcomes(finding: Finding, *looks: Look) -> list[str]:
    return [one.outcome for one in is_looked_at(finding, "h1", looks)]


def test_EL7_what_warns_waits_for_a_person_over_exactly_this_statement() -> None:
    assert LARGER.outcome == "warn"
    assert outcomes(LARGER) == ["fail"]
    assert outcomes(LARGER, look("another statement")) == ["fail"]
    assert outcomes(LARGER, look("another statement"), look("h1")) == ["pass"]
    (act,) = is_looked_at(LARGER, "h1", [look("h1")])
    assert act.reason == "R Hill looked at it on 2026-11-19: a new block of land"  # UTC


def test_EL7_what_is_usual_or_has_nothing_to_compare_with_asks_nobody() -> None:
    assert outcomes(as_usual(300, [300, 310, 290], [], POLICY)) == []
    assert outcomes(as_usual(900, [], [], POLICY)) == []
    other = Finding(rule="EL6", outcome="warn", reason="", source="")
    assert outcomes(other) == []
