"""Ingest lets refused rows go by itself, however it was started, and only by what claims tells it (rule RE1)."""

import uuid

import pytest

from tests.integration.ingest.conftest import CLIENT, Ingest

pytestmark = pytest.mark.integration
HELD, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def test_RE1_a_service_that_runs_by_itself_purges_its_quarantine(unstarted: Ingest) -> None:
    ingest = unstarted
    for tenant in (HELD, OTHER):
        ingest.as_superuser(
            "insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail,"
            f" body, received_at, code_version) select '{tenant}', 'x', 0, 0, row, 'd', 'c', '', '', at, '1'"
            " from (values (1, now() - interval '4 years 2 days'), (2, now())) as v (row, at)"
        )
    ingest.start()

    def told(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        answer = CLIENT.post(f"{ingest.url}/v1/kept-tenants", json={"tenants": [str(HELD)]}, headers=headers)
        return answer.status_code

    def left() -> set[tuple[uuid.UUID, int]]:
        return {(row[0], row[1]) for row in ingest.rows("select tenant_id, origin_row from ingest.quarantine")}

    assert told("of somebody else, and long enough") == 401
    assert told(ingest.new_key(OTHER)) == 401, "no tenant's key says what is kept"
    assert len(left()) == 4
    assert told(ingest.database.environment("ingest")["RUCOR_INTERNAL_TOKEN"]) == 204
    ingest.wait_until(lambda: len(left()) < 4)
    assert left() == {(HELD, 1), (HELD, 2), (OTHER, 2)}
