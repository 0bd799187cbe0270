"""The only place where the parts of the claims service are joined."""

import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Final

from fastapi import APIRouter, FastAPI

from services.claims import loops
from services.claims.adapters.cipher import AesGcmSealer, HmacHasher
from services.claims.adapters.http_peers import ClassifierClient, IngestClient, PdfClient, open_client
from services.claims.adapters.oidc import Provider
from services.claims.adapters.webhook_http import WebhookSender, open_sender
from services.claims.api.audit import audit_link_routes, audit_routes, auditor_routes
from services.claims.api.claim import claim_routes, correction_routes, export_routes, life_routes, preflight_routes
from services.claims.api.context import Context
from services.claims.api.exemption import exemption_routes
from services.claims.api.imports import import_routes
from services.claims.api.imports.import_files import FILE_BYTES_MAX
from services.claims.api.imports.import_kinds import KINDS
from services.claims.api.ledger import faulty_routes, ops_faulty, reprocess_routes
from services.claims.api.people import grant_routes, people_routes, token_routes
from services.claims.api.people.token_routes import Desk
from services.claims.api.policy import ops_policy, policy_routes
from services.claims.api.privacy import ops_case_routes, privacy_routes, retention_routes
from services.claims.api.refunds import application_life_routes, application_routes, overlap_routes
from services.claims.api.register import (
    attachment_routes,
    change_routes,
    device_routes,
    mend_routes,
    recorder_routes,
    register_routes,
    vehicle_routes,
)
from services.claims.api.register.attachment_routes import ATTACHMENT_BYTES_MAX
from services.claims.api.standing import holders_here
from services.claims.api.statement import alert_routes, expected_routes, licence_routes, log_routes, timeline_routes
from services.claims.api.webhooks import webhook_routes
from services.claims.application.claim.render_form import render_next
from services.claims.application.claim.review_all import Reviewer
from services.claims.application.ledger.exclude_faulty import exclude_next
from services.claims.application.ledger.name_places import PlaceNamer
from services.claims.application.people.person_roles import scopes_now
from services.claims.application.policies import PolicyBook, register_shipped
from services.claims.application.privacy import refused_rows
from services.claims.application.privacy.keep_house import House
from services.claims.application.privacy.rotate_keys import check_keys
from services.claims.application.statement.tell_alerts import tell_alerts_next
from services.claims.application.webhooks.deliver_webhooks import Deliverer
from services.claims.consumer import GROUP, TOPICS, DaysConsumer
from services.claims.policy import load as load_policy
from services.claims.settings import ClaimsSettings, bank_keys, key_bytes, webhook_hosts
from shared.clock import Clock, system_clock
from shared.db.audit import PURGE_LOOP, purge_round
from shared.db.pool import open_pool
from shared.http import audit_log, auth, conventions, cors, key_routes
from shared.http.issuer import INTROSPECTION_PATH, Holders
from shared.http.jwks import open_client as open_public_client
from shared.http.limits import BodyLimit
from shared.http.mint import Mint, read_keys
from shared.observability.health import Health
from shared.rounds import Round
from shared.runtime import serve
from shared.settings import LimitSettings
from shared.stream.source import Source

BODY_BYTES_MAX: Final = 1_000_000
API_POOL_SIZE: Final = 16
WORKER_POOL_SIZE: Final = 6
"""Shared by the loops, each of which has one short transaction at a time, and by the operator's routes."""
BODY_BYTES_BY_PATH: Final = {
    token_routes.TOKEN_PATH: token_routes.FORM_BYTES_MAX,
    INTROSPECTION_PATH: token_routes.FORM_BYTES_MAX,
    "/v1" + attachment_routes.PATH: ATTACHMENT_BYTES_MAX,
    **{f"/v1{import_routes.PATH}/{kind}": FILE_BYTES_MAX for kind in KINDS},
}


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
        mend_routes,
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
    v1.include_router(key_routes.router(context.pool, context.clock, scopes_now, limits))
    app.include_router(v1)
    if desk is not None:
        token_routes.install(app, desk)
    app.state.context = context
    app.state.visits = grant_routes.visits(context)
    app.add_middleware(BodyLimit, limit_bytes=BODY_BYTES_MAX, by_path=BODY_BYTES_BY_PATH)
    tokens = desk.mint.reader(Holders(holders_here(context)).stands) if desk is not None else None
    auth.install(app, context.pool, tokens, context.clock, limits)
    conventions.install(app)
    return app


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
        worker_pool = await open_pool(settings.worker_database_url, name="rucor-claims-worker", size=WORKER_POOL_SIZE)
        stack.push_async_callback(worker_pool.close)
        pdf_http = await stack.enter_async_context(open_client(settings.pdf_url, settings.pdf_token))
        classifier_http = await stack.enter_async_context(
            open_client(settings.classifier_url, settings.classifier_token)
        )
        ingest = IngestClient(await stack.enter_async_context(open_client(settings.ingest_url, settings.ingest_token)))
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
        stack.callback(deliverer.stop)

        rounds: dict[str, Round] = {
            "policy": lambda: context.policies.follow(worker_pool),
            "holds": loops.HoldsTeller(worker_pool, context.classifier, clock).next,
            "refused rows": lambda: refused_rows.tell_next(worker_pool, ingest),
            "places": PlaceNamer(worker_pool, context.classifier).next,
            "render": render,
            "house": House(worker_pool, context.hasher, clock).round,
            "faulty data": exclude,
            PURGE_LOOP: lambda: purge_round(worker_pool),
            "review": Reviewer(worker_pool, pool, context.policies, clock).next,
            "alerts": alerts,
            "webhooks": deliverer.next,
        }
        tasks = [("days", consumer.run), *loops.loops(health, rounds)]
        desk = await stack.enter_async_context(_desk(settings, clock))
        app = make_app(context, desk, settings)
        cors.install(app, settings.origins)
        return await serve(app, settings, tasks, health=health)
