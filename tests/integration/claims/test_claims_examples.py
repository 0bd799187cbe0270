"""The request examples of the OpenAPI document, sent as they stand by a key: nothing is wrong with them but that what they name
is not there (issue: API).  The classifier is away here."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.http.routes import COMMANDS
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

AWAY = {"not_found", "unavailable", "policy_changed"}
NOT_THERE = {"unknown_id", "not_claimed"}
OF_THEIR_MOMENT = {
    "/v1/claims": "/preview_token",
    "/v1/ops-grants": "/until_at",
}
"""What no example can show: a token of one's own preview, an instant of the next fortnight."""


def examples(document: dict[str, Any]) -> Iterator[tuple[str, str, str, Any]]:
    """(method, path, address with examples in it, body) of every command that a key may send."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if method.upper() in COMMANDS and body is not None and operation["security"]:
                given = {one["name"]: one["example"] for one in operation.get("parameters", []) if one["in"] == "path"}
                address = path
                for name, example in given.items():
                    address = address.replace(f"{{{name}}}", str(example))
                yield method, path, address, next(iter(body["examples"].values()))["value"]


async def test_every_example_of_a_request_is_right_but_for_what_it_names(claims: Claims, fleet: Fleet) -> None:
    operator = await claims.operator()
    sent, wrong = 0, []
    for method, path, address, body in examples(claims.app.openapi()):
        client = operator if path.startswith("/v1/ops/") else fleet.client
        answer = await client.request(method, address, json=body)
        found = {} if answer.is_success else answer.json()
        blamed = {error["pointer"] for error in found.get("errors", ()) if error["code"] not in NOT_THERE}
        fine = answer.is_success or found["code"] in AWAY or (answer.status_code == 422 and not blamed)
        if not fine and blamed != {OF_THEIR_MOMENT.get(path)}:
            wrong.append((path, body, answer.status_code, found.get("errors") or found))
        sent += 1
    assert sent > 80
    assert wrong == []
