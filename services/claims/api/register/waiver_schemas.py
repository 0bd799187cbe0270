"""Bodies and answers of waivers (rules EL4, EL8)."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, GivenText, shown

WaivedRule = Literal["EL4", "EL8"]


class WaiverBody(Body):
    model_config = shown(
        rule="EL4",
        licence_id="d1f0a9b6-53c4-4f1e-8a77-6f0d3f7c9e02",
        reason="the device was off the vehicle",
        actor="R Hill",
    )

    rule: WaivedRule
    licence_id: UUID | None = None
    claimant_id: UUID | None = None
    reason: GivenText
    actor: ActorName | None = None

    @model_validator(mode="after")
    def _for_one_thing(self) -> Self:
        wanted = "licence_id" if self.rule == "EL4" else "claimant_id"
        if getattr(self, wanted) is None or (self.licence_id is not None and self.claimant_id is not None):
            raise ValueError(f"a waiver of {self.rule} is for one `{wanted}` and nothing else")
        return self


class WaiverAnswer(Answer):
    id: UUID
    rule: str
    licence_id: UUID | None
    claimant_id: UUID | None
    reason: str
    actor: str
    created_at: datetime
    covers: list[str]
    """What stood against it when it was given; of an account a name for it, its account name and the applicant together."""
