"""Fixes and the quarantine go only when claims has said that nothing of theirs is needed (rule RE1)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner

from deploy.embedded.info import FILE
from deploy.embedded.purge import purge as command
from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.privacy import refused_rows
from services.claims.application.privacy.erase_vehicles import asking
from services.claims.application.privacy.retention import settle_needed, tell_next
from services.claims.repo.erasures import Stretch
from services.classifier.application import retention as months
from services.classifier.repo import chunks
from services.ingest.adapters import retention as of_ingest
from shared.db.pool import Pool, open_pool, tx
from shared.nz_days import to_ordinal
from tests.integration.claims.conftest import Claims
from tests.integration.claims.old import TODAY, YEAR, day, licence, old_fleet, put
from tests.integration.claims.peers import open_classifier, open_ingest

pytestmark = pytest.mark.integration


@pytest.fixture
async def classifier(claims: Claims) -> AsyncIterator[tuple[ClassifierClient, Pool]]:
    """The classifier's own routes for claims on its own database, and its worker's pool."""
    worker = await open_pool(claims.database.dsn("classifier", "worker"), name="test-classifier-worker", size=1)
    async with open_classifier(claims) as client:
        yield client, worker
    await worker.close()


async def test_RE1_a_month_of_fixes_goes_only_when_claims_has_said_that_it_needs_none_of_it(
    claims: Claims, classifier: tuple[ClassifierClient, Pool]
) -> None:
    peer, worker = classifier
    month, today = date(2022, 9, 1), TODAY
    async with tx(worker) as conn:
        await chunks.make_month(conn, to_ordinal(month))
    fleet = await old_fleet(claims)
    await licence(fleet, "R1", 10_000, "2022-09-05")
    await fleet.post(f"/licences/{fleet.licences['R1']}/claimed-outside", {
        "claimed_on": "2025-01-10", "reference": "late", "actor": "a", "reason": "with the Agency's consent"})  # fmt: skip

    async def verdict() -> str:
        return next(one.verdict for one in await months.months(worker, today) if one.month == month)

    assert await verdict() == "unknown", "claims has said nothing yet: unknown is kept"
    assert await months.sweep(worker, today) == []
    await peer.holds_told()
    assert await verdict() == "over", "told too early: this is what settling first is for"
    assert await settle_needed(claims.worker) == 1
    assert await settle_needed(claims.worker) == 0
    assert await tell_next(claims.worker, peer)
    assert not await tell_next(claims.worker, peer)
    assert await verdict() == "held"
    with pytest.raises(months.RetentionKeeps):
        await months.drop(worker, month, today)
    assert (await fleet.get("/holds"))["items"][0]["kind"] == "needed"
    needed = (await fleet.get("/holds"))["items"][0]["id"]
    assert (await fleet.post(f"/holds/{needed}/release", {"reason": "x", "actor": "a"}, 409))["code"] == "hold_not_open"
    await claims.as_superuser("update claims.claimed_outside set claimed_on = '2024-01-10'")
    assert await settle_needed(claims.worker) == 1
    assert await tell_next(claims.worker, peer)
    assert await verdict() == "over"
    conn = await asyncpg.connect(claims.database.superuser)
    await conn.execute("update classifier.claims_told set told_at = now() - interval '16 minutes'")
    await conn.close()
    assert await verdict() == "unknown", "an hour ago is not now"
    await peer.holds_told()
    assert [one.month for one in await months.sweep(worker, today)] == [month]


async def test_RE1_a_released_hold_is_told_too(claims: Claims, classifier: tuple[ClassifierClient, Pool]) -> None:
    peer, worker = classifier
    fleet = await old_fleet(claims)
    (hold,) = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"]
    assert await tell_next(claims.worker, peer)

    async def open_there() -> list[UUID]:
        return [one.id for one in (await months.status(worker, TODAY)).holds]

    assert await open_there() == [UUID(hold["id"])]
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "done", "actor": "a"}, 200)
    assert await tell_next(claims.worker, peer)
    assert await open_there() == []


async def test_RE1_the_quarantine_goes_after_four_years_unless_something_of_the_tenant_is_open(
    claims: Claims, tmp_path: Path
) -> None:
    fleet, other = await old_fleet(claims), await claims.fleet("Other")
    await put(other, "2019-01-01")
    insert = (
        "insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body,"
        " received_at, code_version) select $1, 'x', 0, 0, row, 'd', 'c', '', '', at, '1'"
        " from (values (1, now() - interval '4 years'), (2, now() - interval '4 years 2 days')) as v (row, at)"
    )
    conn = await asyncpg.connect(claims.database.superuser)
    for tenant in (fleet.tenant, other.tenant):
        await conn.execute(insert, tenant)
    await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"})
    (tmp_path / FILE).write_text(claims.database.on_this_database().as_json())

    async def run(*options: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, command, [*options, "--data-dir", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.output

    async def left() -> list[tuple[UUID, int]]:
        rows = await conn.fetch(
            "select tenant_id, origin_row from ingest.quarantine order by tenant_id = $1, 2", other.tenant
        )
        return [(row["tenant_id"], row["origin_row"]) for row in rows]

    would = await run("--dry-run")
    assert "1 would go of quarantine" in would
    assert "1 would go of device_day:" in would
    assert len(await left()) == 4
    done = await run()
    assert "1 gone of quarantine" in done
    assert "1 gone of device_day:" in done
    assert await left() == [(fleet.tenant, 1), (fleet.tenant, 2), (other.tenant, 1)]
    await conn.close()


REFUSED = """
insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body,
    received_at, code_version)
select $1, 'x', 0, 0, $2, $3, 'c', '', '', $4, '1'"""


async def refused(claims: Claims, tenant: UUID, row: int, device: str, at: datetime) -> None:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        await conn.execute(REFUSED, tenant, row, device, at)
    finally:
        await conn.close()


async def rows_left(claims: Claims) -> set[tuple[UUID, int]]:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        return {(row[0], row[1]) for row in await conn.fetch("select tenant_id, origin_row from ingest.quarantine")}
    finally:
        await conn.close()


async def test_RE1_ingest_purges_its_quarantine_by_itself_once_claims_has_said_what_is_kept(claims: Claims) -> None:
    fleet, other = await claims.fleet("Held"), await claims.fleet("Other")
    for tenant in (fleet.tenant, other.tenant):
        await refused(claims, tenant, 1, "d", datetime.now(UTC) - timedelta(days=4 * YEAR + 10))
        await refused(claims, tenant, 2, "d", datetime.now(UTC) - timedelta(days=4 * YEAR - 10))
    young = {(fleet.tenant, 2), (other.tenant, 2)}
    hold = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"][0]["id"]
    async with open_ingest(claims) as (peer, kept):

        async def a_round() -> set[tuple[UUID, int]]:
            assert not await kept.round()
            return await rows_left(claims)

        assert len(await a_round()) == 4, "claims has told nothing yet"
        assert not await refused_rows.tell_next(claims.worker, peer)
        assert await a_round() == {*young, (fleet.tenant, 1)}
        await fleet.post(f"/holds/{hold}/release", {"reason": "done", "actor": "a"}, 200)
        claims.clock.now_ms += of_ingest.PURGE_EVERY_MS
        assert len(await a_round()) == 3, "what claims said is old by now"
        await refused_rows.tell_next(claims.worker, peer)
        assert await a_round() == young


async def test_RE1_a_full_batch_is_followed_by_another_at_once(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await claims.fleet("One")
    for row in range(3):
        await refused(claims, fleet.tenant, row, "d", datetime.now(UTC) - timedelta(days=5 * YEAR))
    monkeypatch.setattr(of_ingest, "BATCH", 2)
    async with open_ingest(claims) as (peer, kept):
        await refused_rows.tell_next(claims.worker, peer)
        assert [await kept.round(), len(await rows_left(claims))] == [True, 1]
        assert [await kept.round(), len(await rows_left(claims))] == [False, 0]


async def test_RE2_of_a_stretch_with_more_rows_than_one_request_drops_some_are_left_for_the_next(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, noon = await claims.fleet("One"), datetime(2025, 3, 4, 0, tzinfo=UTC)
    for row in range(3):
        await refused(claims, fleet.tenant, row, "d", noon)
    await refused(claims, fleet.tenant, 3, "other", noon)
    await refused(claims, fleet.tenant, 4, "d", noon + timedelta(days=1))
    monkeypatch.setattr(of_ingest, "BATCH", 2)
    monkeypatch.setattr(of_ingest, "BATCHES_MAX", 1)
    stretch = Stretch(fleet.tenant, UUID(int=1), UUID(int=2), "d", day("2025-03-04"), day("2025-03-04"))
    async with open_ingest(claims) as (peer, _):
        assert (await peer.forget(asking(fleet.tenant, [stretch]))).gone == ()
        assert (await peer.forget(asking(fleet.tenant, [stretch]))).gone == (str(stretch.id),)
    assert await rows_left(claims) == {(fleet.tenant, 3), (fleet.tenant, 4)}
