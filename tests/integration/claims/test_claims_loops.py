"""The service's loops on a real database: one tenant's broken row stops nobody else's work, and does not hide (design G7)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import REGISTRY

from services.claims.application.claim.render_form import render_next
from services.claims.application.privacy.keep_house import House
from shared.db.pool import tx
from shared.observability.health import Health
from shared.rounds import for_ever
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


def failures(name: str) -> float:
    return REGISTRY.get_sample_value("ruc_shared_loop_failures_total", {"loop": name}) or 0.0


async def until(condition: Callable[[], Awaitable[bool]], loop: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(60):
        while not await condition():
            assert not loop.done(), loop.exception()
            await asyncio.sleep(0.05)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop


async def lodge(fleet: Fleet) -> str:
    preview = await fleet.preview([await fleet.claimable()])
    return str((await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"])


async def test_G7_a_snapshot_that_is_not_what_was_frozen_keeps_nobody_elses_form_waiting(
    claims: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, whole = await lodge(await claims.fleet("Broken")), await lodge(await claims.fleet("Whole"))
    await claims.as_superuser(
        "alter table claims.snapshot disable trigger user",
        f"update claims.snapshot set sha256 = sha256('other') where claim_id = '{broken}' and kind = 'form'",
    )
    before = failures("render")
    context = claims.context

    async def tried() -> bool:
        async with tx(claims.worker) as conn:
            rows = await conn.fetch("select claim_id, attempts, last_error from claims.render_job")
        found = {str(row["claim_id"]): (row["attempts"], row["last_error"] != "") for row in rows}
        return found == {broken: (1, False), whole: (1, True)}

    loop = asyncio.create_task(
        for_ever(
            "render",
            lambda: render_next(claims.worker, context.pdf, context.sealer),
            Health(),
            stale_after_s=90.0,
            idle_s=0.05,
        )
    )
    await until(tried, loop)  # the renderer is away: the whole one waits for it and says so
    assert failures("render") == before + 1
    said = capsys.readouterr()
    assert "not_as_frozen" in said.out + said.err
    assert "Traceback" in said.out + said.err


async def test_G7_a_tenant_whose_purge_breaks_is_left_and_the_others_are_purged(claims: Claims) -> None:
    fleets = [await claims.fleet(name) for name in ("One", "Broken", "Three")]
    for fleet in fleets:
        key = {"Idempotency-Key": "k"}
        assert (await fleet.client.post("/v1/claimants", json={"name": "A"}, headers=key)).status_code == 201
    await claims.as_superuser(
        "update claims.idempotency set created_at = '2026-11-22'",  # NOW_MS: the database dates an answer by its own clock
        "create function claims.breaks() returns trigger language plpgsql as "
        "$$ begin raise exception 'a row that cannot go'; end $$",
        "create trigger breaks before delete on claims.idempotency for each row "
        f"when (old.tenant_id = '{fleets[1].tenant}') execute function claims.breaks()",
    )
    claims.clock.now_ms += 40 * 86_400_000
    before = failures("house")

    async def purged() -> bool:
        async with tx(claims.worker) as conn:
            left = await conn.fetch("select tenant_id from claims.idempotency")
        return [row["tenant_id"] for row in left] == [fleets[1].tenant] and failures("house") == before + 1

    house = House(claims.worker, claims.context.hasher, claims.clock)
    loop = asyncio.create_task(for_ever("house", house.round, Health(), stale_after_s=3_600.0, idle_s=0.05))
    await until(purged, loop)
