"""What roles allow (rule PA2)."""

import pytest

from services.claims.application.people.person_roles import check_roles
from services.claims.cli import NAMED_SCOPES, OPERATOR_SCOPES, SCOPES
from services.claims.domain.register.roles import ELSEWHERE, ROLES, SCOPES_OF, beyond, scopes_of
from services.classifier.keys_cli import SCOPES as CLASSIFIER_SCOPES
from services.ingest.cli import SCOPES as INGEST_SCOPES
from shared.clock import new_id
from shared.http.auth import IMPLIED, OPERATOR, opened_by
from shared.http.problems import Problem

WRITING = {"claims:write", "claims:verify", "claims:lodge", "people:write", "land:write", "exclusions:write"}
MANAGING = {
    "people:write", "keys:write", "privacy:write", "webhooks:write", "audit-log:read", "ops-grants:write", "providers:write",
}  # fmt: skip


def test_PA2_every_role_of_the_rule_has_its_scopes() -> None:
    assert set(ROLES) == {"preparer", "verifier", "viewer", "auditor", "admin", "ops"} == set(SCOPES_OF)
    assert all(SCOPES_OF.values())


def test_PA2_a_viewer_and_an_auditor_change_nothing() -> None:
    assert not scopes_of(["viewer", "auditor"]) & WRITING


def test_PA2_who_prepares_does_not_verify_and_who_verifies_does_not_prepare() -> None:
    assert "claims:verify" not in scopes_of(["preparer"])
    assert not scopes_of(["verifier"]) & {"claims:write", "claims:lodge"}
    assert {"claims:write", "claims:verify", "claims:lodge"} <= scopes_of(["preparer", "verifier"])


def test_PA2_an_auditor_sees_audit_cases_alone() -> None:
    assert scopes_of(["auditor"]) == {"audit:read"}


def test_PA2_only_ops_may_do_what_operators_do_and_of_a_tenants_people_only_an_admin_manages_it() -> None:
    assert scopes_of(["ops"]) >= set(OPERATOR_SCOPES)
    assert not [scope for scope in scopes_of(role for role in ROLES if role != "ops") if scope.startswith("ops:")]
    assert not scopes_of(role for role in ROLES if role not in {"ops", "admin"}) & MANAGING


def test_PA2_an_admin_may_do_what_the_tenant_may_and_nothing_more() -> None:
    of_tenant = {*SCOPES, *NAMED_SCOPES, *INGEST_SCOPES, *CLASSIFIER_SCOPES}
    assert scopes_of(["admin"]) == opened_by(of_tenant)
    assert scopes_of(["admin"]) >= MANAGING
    assert scopes_of(["admin"]) == scopes_of(role for role in ROLES if role != "ops")


def test_PA2_a_key_says_nothing_of_the_other_services_a_person_does() -> None:
    of_key = opened_by(SCOPES)
    assert not of_key & ELSEWHERE
    assert all(beyond([role], of_key, machine=True) == [] for role in ROLES if role != "ops")
    assert set(beyond(["viewer"], of_key, machine=False)) == {"tracks:read", "land:read"}
    assert beyond(["admin"], opened_by(["people:write", "claims:read"]), machine=True)


def test_PA2_no_role_is_nothing() -> None:
    assert scopes_of([]) == frozenset()


def test_PA2_a_key_that_may_write_claims_may_still_verify_and_lodge() -> None:
    assert {
        "claims:write": {"claims:verify", "claims:lodge", "webhooks:write"}, "claims:read": {"audit:read"}
    } == IMPLIED  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_PA2_ops_are_the_operators_people_and_only_they(role: str) -> None:
    here, elsewhere = (OPERATOR, new_id()) if role == "ops" else (new_id(), OPERATOR)
    check_roles(here, [role])
    with pytest.raises(Problem) as refused:
        check_roles(elsewhere, [role])
    assert refused.value.extra["errors"][0]["code"] == "role_not_here"
