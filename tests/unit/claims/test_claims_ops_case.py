"""The state of a case about one paper licence in several tenants (rule LI4)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.claims.domain.register.ops_case import CaseStep, Party, case_state, opened_at

NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)


def party(tenant: int, days: int, licence: int = 1) -> Party:
    return Party(UUID(int=tenant), UUID(int=licence), NOW + days * DAY)


def test_LI4_a_case_opens_when_a_second_tenant_registers_the_paper() -> None:
    assert opened_at([party(1, 0), party(1, 1, licence=2)]) is None
    assert opened_at([party(2, 5), party(1, 0), party(1, 1, licence=2), party(3, 9)]) == NOW + 5 * DAY


def test_LI4_a_case_is_as_its_last_step_left_it_and_opens_again_for_a_newcomer() -> None:
    both = [party(1, 0), party(2, 1)]
    looked = CaseStep("looked_at", "", "A Reid", NOW + 2 * DAY)
    closed = CaseStep("closed", "a typing error", "A Reid", NOW + 3 * DAY)
    assert case_state(both, []) == "open"
    assert case_state(both, [looked]) == "looked_at"
    assert case_state(both, [closed, looked]) == "closed"
    assert case_state([*both, party(1, 4, licence=2)], [looked, closed]) == "closed", "no newcomer"
    assert case_state([*both, party(3, 4)], [looked, closed]) == "open"
