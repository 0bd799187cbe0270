"""The operator's keys and a tenant's keys never open each other's doors (rule PA4)."""

import click
import pytest
from click.testing import CliRunner

from services.claims.api.actors import actor_of
from services.claims.cli import OPERATOR_SCOPES, keys_create
from shared.http.auth import OPERATOR, Principal
from shared.http.guards import require_ops
from shared.http.problems import Problem
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "either --tenant or --operator"),
        (["--operator", "--scope", "claims:read"], "not for the operator"),
        (["--tenant", str(OPERATOR), "--scope", "ops:cases"], "not for a tenant"),
    ],
)
def test_PA4_keys_of_tenants_and_of_the_operator_are_told_apart_when_they_are_made(
    options: list[str], words: str
) -> None:
    done = CliRunner().invoke(keys_create, ["--name", "x", *options])
    assert done.exit_code == click.UsageError.exit_code
    assert words in done.output


async def test_PA4_an_operators_scope_in_a_tenants_key_opens_nothing(claims: Claims, fleet: Fleet) -> None:
    class Asked:
        app = claims.app
        client = None
        scope: dict[str, object] = {}  # noqa: RUF012
        headers = {"authorization": fleet.client.headers["authorization"]}  # noqa: RUF012

    for scope in OPERATOR_SCOPES:
        with pytest.raises(Problem) as refused:
            await require_ops(scope)(Asked())  # type: ignore[arg-type]
        assert refused.value.code == "scope_missing"
    with pytest.raises(Problem) as refused:
        await require_ops("claims:read")(Asked())  # type: ignore[arg-type]
    assert refused.value.code == "operators_only"


async def test_PA4_an_operators_key_reads_no_fleet(claims: Claims) -> None:
    operator = await claims.operator()
    answer = await operator.get("/v1/licences")
    assert answer.status_code == 403
    assert answer.json()["code"] == "scope_missing"


def test_PA2_a_person_acts_in_their_own_name_and_a_machine_names_one() -> None:
    machine = Principal(OPERATOR, "00000000", frozenset())
    person = Principal(OPERATOR, "00000000", frozenset(), "Aroha Reid")
    assert actor_of(machine, "R Hill") == "R Hill"
    assert actor_of(person, None) == "Aroha Reid"
    assert actor_of(person, "Aroha Reid") == "Aroha Reid"
    for who, named, code in ((machine, None, "missing"), (person, "R Hill", "not_you")):
        with pytest.raises(Problem) as refused:
            actor_of(who, named)
        assert refused.value.extra["errors"][0]["code"] == code
