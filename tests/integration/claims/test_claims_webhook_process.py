"""The service is killed between the commit and the delivery of an event: it is delivered all the same."""

import asyncio
import json
import time

import httpx
import pytest
from standardwebhooks import Webhook

from services.claims.cli import SCOPES, create_tenant, issue_key
from shared.db.pool import open_pool, tx
from tests.integration.claims.receiver import Receiver, listening
from tests.integration.claims.test_claims_process import start
from tests.stack import Database, Topics

pytestmark = pytest.mark.integration
ENDS_S = 60


async def test_an_event_outlives_a_kill_between_its_commit_and_its_delivery(database: Database, topics: Topics) -> None:
    dsn = database.dsn("claims", "worker")
    key = await issue_key(dsn, await create_tenant(dsn, "Hill Farms"), "test", SCOPES)
    receiver = Receiver()
    with listening(receiver):
        """Takes a free port; the receiver is away while the service is killed."""
    assert topics.bootstrap
    hosts = {"RUCOR_WEBHOOK_LOCAL_HOSTS": receiver.host}
    process, url = start(database, **hosts)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=f"{url}/v1", headers=headers, trust_env=False) as client:
        made = (await client.post("/webhooks", json={"url": f"http://{receiver.host}/in"})).json()
        body = b"name\nOne Limited\n"
        done = await client.post("/imports/claimants", content=body, headers={"Content-Type": "text/csv"})
    process.kill()
    process.wait()
    assert done.status_code == 200, done.text
    pool = await open_pool(dsn, name="test", size=1)
    async with tx(pool) as conn:
        stored = await conn.fetchval("select type from claims.webhook_event")
        delivered = await conn.fetchval("select count(*) from claims.webhook_delivery where state = 'delivered'")
    assert (stored, delivered) == ("import.finished", 0)
    with listening(receiver):
        process, _ = start(database, **hosts)
        ends = time.monotonic() + ENDS_S
        while not receiver.received and time.monotonic() < ends:
            async with tx(
                pool
            ) as conn:  # the lease of the one that was killed ends, or the time of its next attempt comes
                await conn.execute("update claims.webhook_delivery set due_at = now(), leased_until = null")
            await asyncio.sleep(0.2)
        process.terminate()
        assert process.wait(timeout=30) == 0
    await pool.close()
    told = Webhook(made["secret"]).verify(receiver.received[0].body, receiver.received[0].headers)
    assert (told["type"], told["data"]) == ("import.finished", {"kind": "claimants"})
    assert json.loads(receiver.received[0].body) == told
