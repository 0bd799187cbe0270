"""Bodies and answers about providers: consents, tenants, devices and their silences (rule PA3)."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from shared.http.fields import Answer, Body, GivenText


class ConsentBody(Body):
    provider_id: UUID = Field(
        description="As the provider tells you.", examples=["3f0c7a52-9d1e-4a53-9d27-0d2f6f0f3b11"]
    )
    actor: GivenText | None = Field(None, description="The consenting person's name, unless they signed in.")


class RevokeBody(Body):
    actor: GivenText | None = None


class ConsentAnswer(Answer):
    id: UUID
    provider_id: UUID
    provider: str
    granted_at: datetime
    granted_by: str
    revoked_at: datetime | None
    revoked_by: str


class ConsentList(Answer):
    items: list[ConsentAnswer]


class TenantAnswer(Answer):
    tenant_id: UUID
    since: datetime


class TenantList(Answer):
    items: list[TenantAnswer]


class GapAnswer(Answer):
    """Whole hours without a fix."""

    from_at: datetime
    to_at: datetime
    hours: int


class DeviceAnswer(Answer):
    device_id: str
    last_ts: datetime = Field(description="Of its latest fix.")
    last_received_at: datetime
    gaps: list[GapAnswer]


class DevicePage(Answer):
    """By device id."""

    items: list[DeviceAnswer]
    next_cursor: str | None
