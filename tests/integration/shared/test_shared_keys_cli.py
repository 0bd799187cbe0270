"""`rucor keys SERVICE …` and `rucor providers …` on a real database, as an operator types them."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from services.cli import main
from tests.stack import Database

pytestmark = pytest.mark.integration


class Operator:
    def __init__(self, database: Database, folder: Path) -> None:
        dsns = {service: {"worker": database.dsn(service, "worker")} for service in ("claims", "classifier", "ingest")}
        (folder / "stack.json").write_text(json.dumps({"dsns": dsns}))
        self.folder = folder

    def types(self, *words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(main, [*words, "--data-dir", str(self.folder)])
        assert (done.exit_code != 0) is fails, done.output
        return done.output.strip()


@pytest.fixture
def operator(database: Database, tmp_path: Path) -> Operator:
    return Operator(database, tmp_path)


def test_the_life_of_a_key_in_every_service(operator: Operator) -> None:
    tenant = operator.types("tenants", "create", "Hill Farms")
    for service in ("claims", "classifier", "ingest"):
        whose = ("--tenant", tenant)
        first = operator.types("keys", service, "create", *whose, "--name", "portal", "--expires-days", "30")
        key_id = first[6:14]
        second = operator.types("keys", service, "rotate", *whose, key_id, "--grace-hours", "2")
        assert (second[:14], second == first) == (first[:14], False)
        operator.types("keys", service, "limit", *whose, key_id, "--requests-per-s", "7")
        (line,) = operator.types("keys", service, "list", *whose).splitlines()
        assert line.startswith(f"{key_id}  live ")
        assert "ends " in line and "old secret until " in line and "  7/s  portal  " in line
        assert first[15:] not in line and second[15:] not in line
        for command in ("rotate", "revoke", "limit"):
            operator.types("keys", service, command, "--tenant", str(uuid4()), key_id, fails=True)
        operator.types("keys", service, "revoke", *whose, key_id)
        assert "revoked" in operator.types("keys", service, "list", *whose)
        operator.types("keys", service, "rotate", *whose, key_id, fails=True)


def test_PA3_a_providers_keys_are_made_for_providers_alone(operator: Operator) -> None:
    provider = operator.types("providers", "create", "Telematics Ltd")
    assert operator.types("providers", "list") == f"{provider}  Telematics Ltd"
    key = operator.types("providers", "key", provider, "--name", "gateway")
    line = operator.types("keys", "ingest", "list", "--tenant", provider)
    assert line.startswith(key[6:14])
    assert "provider-pings:write" in line and "  pings:write" not in line
    assert "there is no provider" in operator.types("providers", "key", str(uuid4()), "--name", "x", fails=True)
    operator.types(
        "keys", "ingest", "create", "--tenant", provider, "--name", "x", "--scope", "provider:read", fails=True
    )
