"""Providers of telematics (rule PA3): one credential for many tenants, each of which consents; and the tenants' consents."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator

from services.ingest.adapters.heard import KEPT_DAYS, Heard
from services.ingest.adapters.refusals import provider_origin
from services.ingest.api.intake import Intake, Sender
from services.ingest.api.provider_schemas import (
    ConsentAnswer,
    ConsentBody,
    ConsentList,
    DeviceAnswer,
    DevicePage,
    GapAnswer,
    RevokeBody,
    TenantAnswer,
    TenantList,
)
from services.ingest.api.quarantine_page import Asked, page_of
from services.ingest.api.schemas import PINGS_ANSWERS, PINGS_BODY, QuarantinePage, Receipt
from services.ingest.domain.silence import gaps
from services.ingest.repo import providers
from services.ingest.repo.providers import DeviceRow
from shared.clock import new_id
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http import audit
from shared.http.audit import audited_hourly
from shared.http.auth import Authenticator, Principal
from shared.http.fields import printable
from shared.http.guards import require
from shared.http.openapi.document import NEVER
from shared.http.paging import CURSOR_CHARS_MAX, LIMIT_MAX, Here
from shared.http.problems import Problem
from shared.http.standing import as_of_now
from shared.nz_days import instant_of

SEND: Final = "provider-pings:write"
LOOK: Final = "provider:read"
CONSENT: Final = "providers:write"
CONSENT_S: Final = 10.0
"""So long a consent is remembered: a revoked one works for at most that long."""
CONSENTS_MAX: Final = 10_000
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Sends = Annotated[Principal, Depends(require(SEND))]
Looks = Annotated[Principal, Depends(require(LOOK))]
Consents = Annotated[Principal, Depends(require(CONSENT))]


async def _confirmed(request: Request) -> bool:
    """Whether it is asked with an access token, whose holder stands at this moment; else with a key."""
    authenticator: Authenticator = request.app.state.authenticator
    return await authenticator.confirmed(request)


ByToken = Annotated[bool, Depends(_confirmed)]
Text128 = Annotated[str | None, Query(max_length=128), AfterValidator(lambda text: text and printable(text))]


class Consented:
    """Whether a tenant consents to a provider; a yes is remembered for CONSENT_S."""

    def __init__(self, pool: Pool, now: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._now = now
        self._until: dict[tuple[UUID, UUID], float] = {}

    async def check(self, provider: UUID, tenant: UUID) -> None:
        """Raises Problem 403: the same for a tenant that does not consent and for none at all."""
        audit.concerns(tenant)
        if self._until.get((provider, tenant), 0.0) > self._now():
            return
        async with tenant_tx(self._pool, tenant) as conn:
            given = await providers.has_consent(conn, tenant, provider)
        if not given:
            self._until.pop((provider, tenant), None)
            raise Problem(
                403, "no_consent", "This tenant has not consented",
                "Ask the tenant to consent to your provider id (`POST /v1/provider-consents`); it may have revoked it.",
            )  # fmt: skip
        if len(self._until) >= CONSENTS_MAX:
            self._until.clear()
        self._until[provider, tenant] = self._now() + CONSENT_S


def router(intake: Intake, pool: Pool, heard: Heard, consented: Consented) -> APIRouter:
    """`pool` is the API role's.  Include it under `/v1`."""
    routes = APIRouter(tags=["providers"])

    @routes.post(
        "/tenants/{tenant_id}/pings", status_code=202, response_model=Receipt, responses=PINGS_ANSWERS,
        openapi_extra={**PINGS_BODY, NEVER: [409]},
    )  # fmt: skip
    @audited_hourly("a provider sends every few seconds; what was sent is itself kept as evidence, with when it came")
    async def post_tenant_pings(request: Request, who: Sends, tenant_id: UUID) -> Response:
        """As `POST /v1/pings`, for a tenant that has consented to you."""
        await consented.check(who.tenant_id, tenant_id)
        origin = provider_origin(who.tenant_id)
        sender = Sender(
            str(tenant_id), who.key_id, origin, lambda pings, at: heard.note(tenant_id, who.tenant_id, pings, at)
        )
        status, receipt = await intake.take(request, sender)
        return Response(msgspec.json.encode(receipt), status, media_type="application/json")

    @routes.get("/tenants/{tenant_id}/quarantine")
    async def get_tenant_quarantine(
        who: Looks,
        here: Here,
        tenant_id: UUID,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=64)] = None,
        code: Text128 = None,
        device_id: Text128 = None,
    ) -> QuarantinePage:
        """What you sent for this tenant and was refused, newest first; nothing that others sent."""
        await consented.check(who.tenant_id, tenant_id)
        asked = Asked(limit, cursor, code, device_id, provider_origin(who.tenant_id))
        return await page_of(pool, tenant_id, here, asked)

    @routes.get("/tenants/{tenant_id}/devices")
    async def get_tenant_devices(
        who: Looks,
        here: Here,
        tenant_id: UUID,
        min_gap_hours: Annotated[int, Query(ge=1, le=24 * KEPT_DAYS)] = 24,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
    ) -> DevicePage:
        """When each device that you sent for was last seen, and its silences of the last 90 days, in whole hours (UTC). A
        parked device may well be silent."""
        await consented.check(who.tenant_id, tenant_id)
        first = instant_of(intake.clock()).date() - timedelta(days=KEPT_DAYS)
        after = here.text_of(cursor)
        async with tenant_tx(pool, tenant_id) as conn:
            rows = await providers.devices(conn, tenant_id, who.tenant_id, after, first, limit + 1)
        more = here.cursor(rows[limit - 1].device_id.encode()) if len(rows) > limit else None
        return DevicePage(items=[_device(row, min_gap_hours) for row in rows[:limit]], next_cursor=more)

    @routes.get("/provider/tenants")
    async def get_tenants(who: Looks) -> TenantList:
        """The tenants that consent to you now."""
        async with tenant_tx(pool, who.tenant_id) as conn:
            found = await providers.tenants_of(conn, who.tenant_id)
        return TenantList(items=[TenantAnswer(tenant_id=tenant, since=since) for tenant, since in found])

    @routes.get("/provider-consents")
    async def get_consents(who: Consents) -> ConsentList:
        """Every consent that you ever gave, oldest first."""
        async with tenant_tx(pool, who.tenant_id) as conn:
            rows = await providers.consents(conn, who.tenant_id)
        return ConsentList(items=[ConsentAnswer.model_validate(row) for row in rows])

    @routes.post("/provider-consents", status_code=201)
    async def post_consent(who: Consents, by_token: ByToken, body: ConsentBody) -> ConsentAnswer:
        """Let a provider send your devices' pings, and see what of its own was refused and when each device was last heard."""
        consent_id, by = new_id(), _actor(who, body.actor)
        async with tenant_tx(pool, who.tenant_id) as conn:
            at = instant_of(intake.clock())
            await _still_holds(conn, who, at, by_token=by_token)
            if await providers.name_of(conn, body.provider_id) is None:
                raise Problem(
                    404, "not_found", "There is nothing with this id", f"No provider has the id {body.provider_id}."
                )
            if not await providers.consent(conn, who.tenant_id, consent_id, body.provider_id, at, by):
                raise Problem(409, "already_exists", "This already exists", "You consent to this provider already.")
            return await _consent(conn, who, consent_id)

    @routes.post("/provider-consents/{consent_id}/revoke")
    async def post_revoke(who: Consents, consent_id: UUID, body: RevokeBody) -> ConsentAnswer:
        """The provider is refused within ten seconds. What it sent before stays: it is evidence."""
        by = _actor(who, body.actor)
        async with tenant_tx(pool, who.tenant_id) as conn:
            await providers.revoke(conn, who.tenant_id, consent_id, instant_of(intake.clock()), by)
            return await _consent(conn, who, consent_id)

    return routes


async def _still_holds(conn: Connection, who: Principal, at: datetime, *, by_token: bool) -> None:
    """A consent outlasts who gives it: its key is looked at again here, a token was a moment ago.  Raises Problem 401."""
    if not by_token:
        await as_of_now(conn, who, at, None)


def _actor(who: Principal, named: str | None) -> str:
    """The person who signed in, else the one whom the machine names (rule PA2).  Raises Problem 422."""
    if (who.person is None) == (named is None):
        detail = "name the person who does this" if named is None else "you act in your own name: leave `actor` out"
        raise Problem(
            422, "invalid", "The request does not fit the schema",
            "Correct the fields listed in `errors` and send the request again.",
            errors=[{"pointer": "/actor", "code": "missing" if named is None else "not_you", "detail": detail}],
        )  # fmt: skip
    return who.person or named or ""


async def _consent(conn: Any, who: Principal, consent_id: UUID) -> ConsentAnswer:
    found = await providers.consents(conn, who.tenant_id, consent_id)
    if not found:
        raise Problem(
            404, "not_found", "There is nothing with this id", f"No consent of yours has the id {consent_id}."
        )
    return ConsentAnswer.model_validate(found[0])


def _device(row: DeviceRow, min_gap_hours: int) -> DeviceAnswer:
    days = zip((day.toordinal() - date(1970, 1, 1).toordinal() for day in row.days), row.hours, strict=True)
    silent = [
        GapAnswer(
            from_at=_EPOCH + gap.from_hour * _HOUR,
            to_at=_EPOCH + gap.to_hour * _HOUR,
            hours=gap.to_hour - gap.from_hour,
        )
        for gap in gaps(days, min_gap_hours)
    ]
    return DeviceAnswer(
        device_id=row.device_id, last_ts=row.last_ts, last_received_at=row.last_received_at, gaps=silent
    )
