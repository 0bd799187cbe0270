"""What roles allow (rule PA2)."""

import pytest

from services.claims.application.people.person_roles import check_roles
from services.claims.cli import OPERATOR_SCOPES
from services.claims.domain.register.roles import ROLES, SCOPES_OF, scopes_of
from shared.clock import new_id
from shared.http.auth import IMPLIED, OPERATOR
from shared.http.problems import Problem

WRITING = {"claims:write", "claims:verify", "claims:lodge", "people:write", "land:write", "exclusions:write"}


def test_PA2_every_role_of_the_rule_has_its_scopes() -> None:
    assert set(ROLES) == {"preparer", "verifier", "viewer", "auditor", "ops"} == set(SCOPES_OF)
    assert all(SCOPES_OF.values())


def test_PA2_a_viewer_and_an_auditor_change_nothing() -> None:
    assert not scopes_of(["viewer", "auditor"]) & WRITING


def test_PA2_who_prepares_does_not_verify_and_who_verifies_does_not_prepare() -> None:
    assert "claims:verify" not in scopes_of(["preparer"])
    assert not scopes_of(["verifier"]) & {"claims:write", "claims:lodge"}
    assert {"claims:write", "claims:verify", "claims:lodge"} <= scopes_of(["preparer", "verifier"])


def test_PA2_an_auditor_sees_audit_cases_alone() -> None:
    assert scopes_of(["auditor"]) == {"audit:read"}


def test_PA2_only_ops_may_do_what_operators_do_and_nobody_manages_people_by_a_tenants_role() -> None:
    assert scopes_of(["ops"]) >= set(OPERATOR_SCOPES)
    others = scopes_of(role for role in ROLES if role != "ops")
    assert not [scope for scope in others if scope.startswith("ops:")]
    assert "people:write" not in others


def test_PA2_no_role_is_nothing() -> None:
    assert scopes_of([]) == frozenset()


def test_PA2_a_key_that_may_write_claims_may_still_verify_and_lodge() -> None:
    assert {"claims:write": {"claims:verify", "claims:lodge"}, "claims:read": {"audit:read"}} == IMPLIED


@pytest.mark.parametrize("role", ROLES)
def test_PA2_ops_are_the_operators_people_and_only_they(role: str) -> None:
    here, elsewhere = (OPERATOR, new_id()) if role == "ops" else (new_id(), OPERATOR)
    check_roles(here, [role])
    with pytest.raises(Problem) as refused:
        check_roles(elsewhere, [role])
    assert refused.value.extra["errors"][0]["code"] == "role_not_here"
