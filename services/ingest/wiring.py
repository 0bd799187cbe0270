"""The only place where ingest's objects are joined."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from services.ingest.adapters.admission import BytesInFlight, FreeSpace
from services.ingest.adapters.group_commit import GroupCommit
from services.ingest.adapters.heard import Heard
from services.ingest.adapters.refusals import RefusedRows
from services.ingest.adapters.retention import LOOK_EVERY_S, STALE_S, Retention
from services.ingest.adapters.retention import LOOP as RETENTION_LOOP
from services.ingest.adapters.ticks import Ticker
from services.ingest.api import for_claims
from services.ingest.api.intake import Intake
from services.ingest.api.routes import create_app
from services.ingest.consumer import GROUP, LOOP, QuarantineConsumer
from services.ingest.settings import TICK_S, IngestSettings
from shared.allowance import Allowance
from shared.clock import system_clock
from shared.contracts.topics import QUARANTINE
from shared.db.audit import PURGE_EVERY_S, PURGE_LOOP, PURGE_STALE_S, purge_round
from shared.db.pool import open_pool
from shared.http import cors
from shared.http.issuer import token_reader
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.rounds import task
from shared.runtime import Task, serve
from shared.stream.log import Log, StreamUnavailable
from shared.stream.source import Source

OPEN_FOR_S: Final = 60.0
"""How long a broker that is starting or restarting is waited for."""

log = get_logger(__name__)


def code_version() -> str:
    """This release, as quarantined rows name it."""
    try:
        return version("rucor")
    except PackageNotFoundError:
        return "unknown"


def _ping_rate(settings: IngestSettings) -> Allowance:
    """This process's share of what a key may send (ADR 0023)."""
    per_s = max(1, settings.pings_per_s_per_key // settings.processes)
    return Allowance(per_s, per_s * settings.burst_s)


async def open_log(settings: IngestSettings) -> Log:
    """The log, with patience.  Raises StreamUnavailable after OPEN_FOR_S, Fatal where topics are not durable (G1)."""
    give_up = time.monotonic() + OPEN_FOR_S
    while True:
        try:
            return await Log.open(settings, client="rucor-ingest")
        except StreamUnavailable as error:
            if time.monotonic() > give_up:
                raise
            log.warning("waiting for Kafka", error=str(error))
            await asyncio.sleep(1.0)


async def run(settings: IngestSettings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    health = Health()
    async with AsyncExitStack() as stack:
        api_pool = await open_pool(settings.database_url, name="rucor-ingest-api")
        stack.push_async_callback(api_pool.close)
        worker_pool = await open_pool(settings.worker_database_url, name="rucor-ingest-worker", size=2)
        stack.push_async_callback(worker_pool.close)
        stream = await open_log(settings)
        stack.push_async_callback(stream.close)
        commit = GroupCommit(
            stream.append,
            system_clock,
            deadline_s=settings.commit_deadline_s,
            backfill_age_ms=settings.backfill_age_h * 3_600_000,
        )
        ticker = Ticker(stream.append, commit.settled, system_clock, health, TICK_S)
        space = FreeSpace(settings.space_path, settings.space_bytes_min)
        intake = Intake(
            commit=commit,
            refused_rows=RefusedRows(stream.append, settings.quarantine_rows_per_hour, code_version()),
            rate=_ping_rate(settings),
            in_flight=BytesInFlight(settings.in_flight_bytes_max),
            space=space,
            clock=system_clock,
            policy=settings.clock_policy(),
            reader=stack.enter_context(ThreadPoolExecutor(1, "read")),
        )
        heard = Heard(worker_pool, system_clock)
        retention = Retention(worker_pool, system_clock)
        health.check("stream", lambda: ticker.failure)
        health.check("disk", lambda: space.shortage(system_clock()))

        def source() -> Source:
            return Source(settings, group=GROUP, topics=[QUARANTINE], pool=worker_pool)

        consumer = QuarantineConsumer(source, worker_pool, health, system_clock, code_version())
        tasks: list[Task] = [("group commit", commit.run), ("ticks", ticker.run), (LOOP, consumer.run)]
        tasks.append(("devices heard", heard.run))
        tasks.append(task(RETENTION_LOOP, retention.round, health, stale_after_s=STALE_S, idle_s=LOOK_EVERY_S))
        purging = partial(purge_round, worker_pool)
        tasks.append(task(PURGE_LOOP, purging, health, stale_after_s=PURGE_STALE_S, idle_s=PURGE_EVERY_S))
        tokens = await stack.enter_async_context(token_reader(settings, system_clock))
        inner = for_claims.router(retention, settings.internal_token)
        app = create_app(intake, api_pool, heard, inner, tokens, settings)
        cors.install(app, settings.origins)
        return await serve(app, settings, tasks, health=health)
