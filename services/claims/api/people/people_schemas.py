"""Bodies and answers of people and their roles (rule PA2)."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from services.claims.api.actors import ActorName
from services.claims.api.fields import Answer, Body, Form, GivenText, Ref, shown
from services.claims.domain.register.roles import ROLES, Role

Email = Annotated[
    str,
    StringConstraints(max_length=254),
    Form(r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "give an e-mail address such as mary@hill.example"),
]


def _words(value: Any) -> Any:
    """A cell of a spreadsheet: roles with spaces between them."""
    return value.split() if isinstance(value, str) else value


class PersonBody(Body):
    model_config = shown(name="Mary Hill", email="mary@hill.example", roles=["verifier"], actor="R Hill")

    ref: Ref | None = None
    name: GivenText
    email: Email
    """The natural key; the person's first sign-in is known by it, where the provider has verified it."""
    roles: Annotated[list[Role], BeforeValidator(_words), Field(max_length=len(ROLES))] = Field(default_factory=list)
    issuer: GivenText | None = None
    """With `subject`: who the person is to the OpenID provider, where that is known beforehand."""
    subject: GivenText | None = None
    actor: ActorName | None = None

    @model_validator(mode="after")
    def _identity_whole(self) -> Self:
        if (self.issuer is None) != (self.subject is None):
            raise ValueError("give `issuer` and `subject` together, or neither")
        return self


class RoleBody(Body):
    role: Role
    actor: ActorName | None = None


class ActBody(Body):
    actor: ActorName | None = None


class DeactivateBody(ActBody):
    reason: GivenText


class CorrectBody(ActBody):
    """What is left out stays as it is."""

    model_config = shown(name="Mary Hill-Tane", reason="she married", actor="R Hill")

    name: GivenText | None = None
    email: Email | None = None
    reason: GivenText


class PersonAnswer(Answer):
    id: UUID
    ref: str | None
    name: str
    email: str
    roles: list[Role]
    """Those of now."""
    active: bool
    linked: bool
    """Known to the OpenID provider: given beforehand, or signed in once."""
    created_by: str
    created_at: datetime


class SpanAnswer(Answer):
    since: datetime
    by: str
    ended_at: datetime | None
    ended_by: str


class RoleAnswer(SpanAnswer):
    role: Role


class LeaveAnswer(SpanAnswer):
    reason: str


class CorrectionAnswer(Answer):
    name_before: str
    email_before: str
    reason: str
    since: datetime
    by: str


class PersonHistoryAnswer(PersonAnswer):
    role_history: list[RoleAnswer]
    deactivations: list[LeaveAnswer]
    corrections: list[CorrectionAnswer]
