"""Scopes: whatever a route asks for, somebody can be given, and nothing is given that no route asks for (rule PA2)."""

from deploy.openapi.documents import APPS
from services.claims.cli import NAMED_SCOPES, SCOPES
from services.claims.domain.register.roles import SCOPES_OF
from services.classifier.keys_cli import SCOPES as CLASSIFIER_SCOPES
from services.ingest.cli import PROVIDER_SCOPES
from services.ingest.cli import SCOPES as INGEST_SCOPES
from shared.http.auth import IMPLIED
from shared.http.guards import INTERNAL, NEEDED, VISITOR

OF_NO_KEY = {INTERNAL, "audit:link"}
"""Asked of our own services and of auditors' links."""


def asked() -> set[str]:
    for make in APPS.values():
        make()
    return set(NEEDED.values()) - OF_NO_KEY | {VISITOR}  # which is asked wherever an operator names a tenant


def test_PA2_every_scope_that_a_route_asks_for_can_be_given_and_no_other() -> None:
    by_role = frozenset[str]().union(*SCOPES_OF.values())
    by_key = {*SCOPES, *NAMED_SCOPES, *INGEST_SCOPES, *CLASSIFIER_SCOPES, *PROVIDER_SCOPES}
    implied = frozenset[str]().union(*IMPLIED.values())
    assert asked() - by_role - by_key - implied == set(), "a route that nobody can reach"
    assert (by_role | by_key | implied) - asked() == set(), "a scope that opens nothing"


def test_PA2_a_claims_key_may_bear_the_scopes_of_the_other_services() -> None:
    assert {*INGEST_SCOPES, *CLASSIFIER_SCOPES} <= {*SCOPES, *NAMED_SCOPES}
