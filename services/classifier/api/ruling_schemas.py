"""Bodies and answers of land and exclusions."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from shared.http.fields import Answer, Body, GivenText, Instant, Text, printable, shown
from shared.nz_days import FIRST_DAY, LAST_DAY

LandKindIn = Literal["owned", "leased", "licensed", "closed_works_site", "map_error", "other"]
DeviceId = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(printable)]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=2_000), AfterValidator(printable)]


def _in_range(day: date) -> date:
    if not FIRST_DAY <= day < LAST_DAY:
        raise ValueError("must lie between the years 2000 and 2099")
    return day


NzDate = Annotated[date, AfterValidator(_in_range)]
Geometry = Annotated[
    dict[str, Any],
    Field(
        description="GeoJSON Polygon or MultiPolygon, longitude first, closed rings, at most 5,000 positions and "
        "3,000 km². Positions are rounded to a millionth of a degree.",
        examples=[
            {
                "type": "Polygon",
                "coordinates": [
                    [[175.25, -40.1], [175.26, -40.1], [175.26, -40.09], [175.25, -40.09], [175.25, -40.1]]
                ],
            }
        ],
    ),
]


class LandBody(Body):
    """Land whose ways are not publicly maintained, in your words (rule SU7)."""

    kind: LandKindIn = Field(description="What makes it yours to declare.")
    name: GivenText = Field(description="How segments and reports call it.")
    address: Text = ""
    first_on: NzDate = Field(description="First NZ day on which it counts.")
    last_on: NzDate | None = Field(None, description="Last NZ day, included; null: until you end it.")
    over_public: bool = Field(
        False,
        description="Count metres on mapped public roads inside it too. Only for `closed_works_site` and `map_error`, with "
        "a reason of at least 20 characters; such metres are reported apart, with a warning, and printed in the claim.",
    )
    reason: Reason = Field(description="Why it may be declared: a title, a lease, a closure notice.")
    polygon: Geometry
    actor: Text = Field("", description="The person who says so.")


class LandCorrection(LandBody):
    """The whole land as it should read, in the place of the version that you have read."""

    version: int = Field(ge=1, description="The version that this corrects; another one answers 409.")
    change_reason: Reason


class LandEnd(Body):
    last_on: NzDate = Field(description="Last NZ day on which it counts.")
    reason: Reason
    actor: Text = ""


class Told(Body):
    """Why, and who says so."""

    reason: Reason
    actor: Text = ""


class Warning_(Answer):  # noqa: N801 - the plain name is a builtin
    """Something that a person must know before a claim is made on it."""

    code: str
    detail: str


class VersionAnswer(Answer):
    """Who wrote a version, when and why."""

    version: int
    state: str
    change_reason: str
    actor: str
    key_id: str
    written_at: datetime


class LandAnswer(VersionAnswer):
    """One version of declared land."""

    id: UUID
    kind: LandKindIn
    name: str
    address: str
    first_on: date
    last_on: date | None
    over_public: bool
    reason: str
    polygon: dict[str, Any]
    area_ha: float
    created_at: datetime
    warnings: list[Warning_]


class LandWhole(LandAnswer):
    versions: list[VersionAnswer] = Field(description="Every version, oldest first; none is ever changed.")


class LandChanged(LandAnswer):
    device_days: int = Field(
        description="Device-days that this change touches: each is computed again, under a hold until it is done."
    )


class LandPage(Answer):
    items: list[LandAnswer]
    next_cursor: str | None


class ExclusionBody(Body):
    """Faulty data of a device, or a place, that must not count."""

    model_config = shown(
        device="ute-7", from_at="2026-03-02T08:00:00+13:00", to_at="2026-03-02T11:30:00+13:00",
        reason="antenna cable broken, workshop note 881", actor="R Hill",
    )  # fmt: skip

    device: DeviceId | None = Field(
        None, description="Whose data. Without a polygon it is needed: its fixes of that time take no part at all."
    )
    from_at: Instant = Field(description="First instant, included.")
    to_at: Instant | None = Field(
        None, description="Last instant, included; null, for a place only: until the exclusion is lifted."
    )
    polygon: Geometry | None = Field(
        None,
        description="With it, what would be off road inside is unknown; of the device, or of all where none is given.",
    )
    state: Literal["proposed", "active"] = Field(
        "active", description="`proposed` changes nothing until it is confirmed."
    )
    reason: Reason
    actor: Text = ""


class ExclusionAnswer(VersionAnswer):
    """One version of an exclusion: proposed → active → lifted."""

    id: UUID
    device: str | None
    from_at: datetime
    to_at: datetime | None
    reason: str
    polygon: dict[str, Any] | None
    created_at: datetime


class ExclusionWhole(ExclusionAnswer):
    versions: list[VersionAnswer]


class ExclusionChanged(ExclusionAnswer):
    device_days: int = Field(description="Device-days that are computed again; none for a proposal.")


class ExclusionPage(Answer):
    items: list[ExclusionAnswer]
    next_cursor: str | None
