"""Bodies of what only claims asks of the services that hold something of those who are forgotten (rule RE2), as
shared.contracts.erasure has them."""

from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from shared.http.fields import Body

STRETCHES_MAX: Final = 100
DAY_MAX: Final = 50_000
DayNumber = Annotated[int, Field(ge=0, le=DAY_MAX)]


class ForgottenBody(Body):
    id: UUID
    device: Annotated[str, Field(min_length=1, max_length=128)]
    from_day: DayNumber
    to_day: DayNumber


class ErasuresBody(Body):
    tenant: UUID
    stretches: Annotated[list[ForgottenBody], Field(max_length=STRETCHES_MAX)]


class NameBody(Body):
    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=2_000)]
    put_away: Annotated[str, Field(min_length=1, max_length=100)]


class NamesBody(Body):
    tenant: UUID
    names: Annotated[list[NameBody], Field(max_length=STRETCHES_MAX)]


class ErasuresTaken(BaseModel):
    gone: list[UUID]
    """Stretches of which the service holds nothing more, names that stand nowhere in it."""
