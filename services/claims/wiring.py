"""The only place where the parts of the claims service are joined."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from fastapi import APIRouter, FastAPI

from services.claims.adapters.cipher import AesGcmSealer, HmacHasher
from services.claims.adapters.http_peers import ClassifierClient, PdfClient, open_client
from services.claims.adapters.oidc import Provider
from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.api import (
    alert_routes,
    application_life_routes,
    application_routes,
    attachment_routes,
    audit_link_routes,
    audit_routes,
    auditor_routes,
    change_routes,
    claim_routes,
    correction_routes,
    device_routes,
    exemption_routes,
    expected_routes,
    export_routes,
    faulty_routes,
    grant_routes,
    import_routes,
    licence_routes,
    life_routes,
    log_routes,
    ops_case_routes,
    ops_faulty,
    ops_policy,
    overlap_routes,
    people_routes,
    policy_routes,
    preflight_routes,
    privacy_routes,
    recorder_routes,
    register_routes,
    reprocess_routes,
    retention_routes,
    timeline_routes,
    token_routes,
    vehicle_routes,
    webhook_routes,
)
from services.claims.api.attachment_routes import ATTACHMENT_BYTES_MAX
from services.claims.api.context import Context
from services.claims.api.import_files import FILE_BYTES_MAX
from services.claims.api.import_kinds import KINDS
from services.claims.api.token_routes import Desk
from services.claims.application import deliver_webhooks, retention
from services.claims.application.deliver_webhooks import Deliverer
from services.claims.application.exclude_faulty import exclude_next
from services.claims.application.keep_house import House
from services.claims.application.name_places import PLACES_LOOP, places_loop
from services.claims.application.peers import Holds
from services.claims.application.policies import PolicyBook, register_shipped
from services.claims.application.render_form import render_next
from services.claims.application.rotate_keys import check_keys
from services.claims.application.tell_alerts import tell_alerts_next
from services.claims.application.tell_holds import tell_next
from services.claims.consumer import GROUP, TOPICS, DaysConsumer
from services.claims.policy import load as load_policy
from services.claims.settings import ClaimsSettings, bank_keys, key_bytes, webhook_hosts
from shared.clock import Clock, system_clock
from shared.db.audit import keep_purging
from shared.db.pool import Pool, open_pool
from shared.errors import Retryable
from shared.http import audit_log, auth, conventions, key_routes
from shared.http.jwks import open_client as open_public_client
from shared.http.limits import BodyLimit
from shared.http.mint import Mint, read_keys
from shared.observability.health import Health
from shared.observability.logging import get_logger
from shared.runtime import Task, serve
from shared.settings import LimitSettings
from shared.stream.source import Source

BODY_BYTES_MAX: Final = 1_000_000
IDLE_S: Final = 0.5
RENDER_LOOP: Final = "render"
RENDER_STALE_S: Final = 90.0
HOUSE_IDLE_S: Final = 60.0
HOUSE_LOOP: Final = "house"
HOUSE_STALE_S: Final = 3_600.0
POLICY_EVERY_S: Final = 2.0
POLICY_LOOP: Final = "policy"
POLICY_STALE_S: Final = 30.0
HOLDS_LOOP: Final = "holds"
HOLDS_IDLE_S: Final = 30.0
HOLDS_STALE_S: Final = 180.0
SETTLE_EVERY_MS: Final = 3_600_000
FAULTY_LOOP: Final = "faulty data"
FAULTY_STALE_S: Final = 300.0
ALERTS_LOOP: Final = "alerts"
ALERTS_STALE_S: Final = 600.0
API_POOL_SIZE: Final = 16
BODY_BYTES_BY_PATH: Final = {
    token_routes.TOKEN_PATH: token_routes.FORM_BYTES_MAX,
    "/v1" + attachment_routes.PATH: ATTACHMENT_BYTES_MAX,
    **{f"/v1{import_routes.PATH}/{kind}": FILE_BYTES_MAX for kind in KINDS},
}

log = get_logger(__name__)


def make_app(context: Context, desk: Desk | None = None, limits: LimitSettings | None = None) -> FastAPI:
    """The HTTP API, without `/healthz`, `/readyz`, `/metrics`, which `serve` adds.  Without a desk only API keys get in."""
    app = FastAPI(title="RUC claims", version="1", openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    v1 = APIRouter(prefix="/v1")
    for module in (
        register_routes,
        vehicle_routes,
        device_routes,
        recorder_routes,
        licence_routes,
        claim_routes,
        life_routes,
        attachment_routes,
        alert_routes,
        reprocess_routes,
        import_routes,
        log_routes,
        people_routes,
        expected_routes,
        ops_case_routes,
        application_routes,
        policy_routes,
        correction_routes,
        exemption_routes,
        change_routes,
        ops_policy,
        audit_routes,
        grant_routes,
        audit_link_routes,
        auditor_routes,
        export_routes,
        retention_routes,
        privacy_routes,
        faulty_routes,
        ops_faulty,
        webhook_routes,
        preflight_routes,
        application_life_routes,
        overlap_routes,
        timeline_routes,
    ):
        v1.include_router(module.router)
    v1.include_router(audit_log.router(context.pool))
    v1.include_router(key_routes.router(context.pool, context.clock))
    app.include_router(v1)
    if desk is not None:
        token_routes.install(app, desk)
    app.state.context = context
    app.state.visits = grant_routes.visits(context)
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX, by_path=BODY_BYTES_BY_PATH)
    auth.install(app, context.pool, desk.mint.reader() if desk is not None else None, limits=limits)
    conventions.install(app)
    return app


async def work_loop(name: str, next_one: Callable[[], Awaitable[bool]], health: Health, stale_after_s: float) -> None:
    """One job after the other, for ever; `next_one` says whether there was any.  A database that is away is waited for: the
    API's own readiness shows it.  A job that breaks is left until its lease ends: one tenant's row stops nobody else's work."""
    while True:
        try:
            busy = await next_one()
        except Retryable as error:
            log.warning("loop waits", loop=name, error=str(error))
            busy = False
        except Exception as error:
            log.exception("a job broke", loop=name, error=repr(error))
            busy = False
        health.beat(name, stale_after_s=stale_after_s)
        if not busy:
            await asyncio.sleep(IDLE_S)


def _worker(name: str, next_one: Callable[[], Awaitable[bool]], health: Health, stale_after_s: float) -> Task:
    return name, lambda: work_loop(name, next_one, health, stale_after_s)


async def house_loop(house: House, health: Health) -> None:
    while True:
        try:
            busy = await house.round()
        except Retryable as error:
            log.warning("housekeeping waits", error=str(error))
            busy = False
        health.beat(HOUSE_LOOP, stale_after_s=HOUSE_STALE_S)
        if not busy:
            await asyncio.sleep(HOUSE_IDLE_S)


async def holds_loop(pool: Pool, classifier: Holds, clock: Clock, health: Health) -> None:
    """The classifier knows of every hold within a minute, or as soon as it is there again; until then it keeps everything."""
    settled_ms = 0
    while True:
        try:
            if clock() - settled_ms > SETTLE_EVERY_MS:
                await retention.settle_needed(pool)
                settled_ms = clock()
            while await tell_next(pool, classifier) or await retention.tell_next(pool, classifier):
                pass
            await classifier.holds_told()
        except Retryable as error:
            log.warning("holds are told later", error=str(error))
        health.beat(HOLDS_LOOP, stale_after_s=HOLDS_STALE_S)
        await asyncio.sleep(HOLDS_IDLE_S)


async def policy_loop(pool: Pool, policies: PolicyBook, health: Health) -> None:
    """Follow what operators change, for ever.  Without a database the last policy stays; nothing can be lodged then."""
    while True:
        try:
            await policies.refresh(pool)
        except Retryable as error:
            log.warning("policy loop waits", error=str(error))
        health.beat(POLICY_LOOP, stale_after_s=POLICY_STALE_S)
        await asyncio.sleep(POLICY_EVERY_S)


@contextlib.asynccontextmanager
async def _desk(settings: ClaimsSettings, clock: Clock) -> AsyncIterator[Desk]:
    """Where access tokens are given out: to people only where a provider vouches for them."""
    mint = Mint(settings.token_issuer, read_keys(settings.token_keys.get_secret_value()), clock)
    async with open_public_client() as client:
        vouching = (settings.oidc_issuer, settings.oidc_audience)
        yield Desk(mint, Provider(*vouching, client, clock) if settings.oidc_issuer else None)


async def build(settings: ClaimsSettings, clock: Clock = system_clock) -> int:
    """Open what the service stands on, run it, close it again; the process's exit code."""
    async with contextlib.AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, name="rucor-claims-api", size=API_POOL_SIZE)
        stack.push_async_callback(pool.close)
        worker_pool = await open_pool(settings.worker_database_url, name="rucor-claims-worker", size=4)
        stack.push_async_callback(worker_pool.close)
        pdf_http = await stack.enter_async_context(open_client(settings.pdf_url, settings.pdf_token))
        classifier_http = await stack.enter_async_context(
            open_client(settings.classifier_url, settings.classifier_token)
        )
        sealer = AesGcmSealer(bank_keys(settings))
        await check_keys(worker_pool, sealer)
        context = Context(
            pool=pool,
            across=worker_pool,
            policies=PolicyBook(load_policy()),
            clock=clock,
            sealer=sealer,
            hasher=HmacHasher(key_bytes(settings.licence_hash_key)),
            pdf=PdfClient(pdf_http),
            classifier=ClassifierClient(classifier_http),
            webhook_hosts=webhook_hosts(settings),
        )
        await register_shipped(worker_pool, context.policies.shipped)
        await context.policies.refresh(worker_pool)
        health = Health()
        source = Source(settings, group=GROUP, topics=TOPICS, pool=worker_pool)
        health.check("stream", source.problem)
        consumer = DaysConsumer(source, worker_pool, health, clock)

        def render() -> Awaitable[bool]:
            return render_next(worker_pool, context.pdf, sealer)

        def exclude() -> Awaitable[bool]:
            return exclude_next(worker_pool, pool, context.classifier, context.policy, clock)

        def alerts() -> Awaitable[bool]:
            return tell_alerts_next(worker_pool, pool, context.policy, clock)

        sender = WebhookSender(await stack.enter_async_context(open_sender()), context.webhook_hosts)
        webhook_pool = await open_pool(settings.worker_database_url, name="rucor-claims-webhooks", size=4)
        stack.push_async_callback(webhook_pool.close)
        deliverer = Deliverer(webhook_pool, sealer, sender, clock)

        tasks: list[Task] = [
            ("days", consumer.run),
            ("policy", lambda: policy_loop(worker_pool, context.policies, health)),
            (HOLDS_LOOP, lambda: holds_loop(worker_pool, context.classifier, clock, health)),
            (PLACES_LOOP, lambda: places_loop(worker_pool, context.classifier, health)),
            _worker(RENDER_LOOP, render, health, RENDER_STALE_S),
            (HOUSE_LOOP, lambda: house_loop(House(worker_pool, context.hasher, clock), health)),
            _worker(FAULTY_LOOP, exclude, health, FAULTY_STALE_S),
            ("audit log", lambda: keep_purging(worker_pool)),
            _worker(ALERTS_LOOP, alerts, health, ALERTS_STALE_S),
            (deliver_webhooks.LOOP, lambda: deliverer.run(health)),
        ]
        desk = await stack.enter_async_context(_desk(settings, clock))
        return await serve(make_app(context, desk, settings), settings, tasks, health=health)
