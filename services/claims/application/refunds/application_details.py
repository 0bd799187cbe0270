"""What an application asks of the applicant, by its kind."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.refusals import invalid
from services.claims.domain.refunds.application_life import ApplicationKind


class Details(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that the three refunds of unused distance ask; what is None was not said yet."""

    reading: int | None = None
    """Surrender: now.  Recorder change: when it was found unserviceable."""
    read_at: datetime | None = None
    """The instant of the reading, or of the loss or theft."""
    cause: str | None = None
    odometer_reading: int | None = None
    new_recorder_id: UUID | None = None
    replacement_licence_id: UUID | None = None
    estimated_reading: int | None = None
    """The applicant's own estimate of a lost recorder, with its `calculation`."""
    calculation: str = ""


FIELDS: Final[Mapping[ApplicationKind, frozenset[str]]] = {
    "surrender": frozenset({"reading", "read_at"}),
    "recorder_change": frozenset(
        {
            "cause", "reading", "read_at", "odometer_reading", "new_recorder_id", "replacement_licence_id",
            "estimated_reading", "calculation",
        }
    ),
    "cancelled_vehicle": frozenset({"cause"}),
}  # fmt: skip
CAUSES: Final[Mapping[ApplicationKind, tuple[str, ...]]] = {
    "surrender": (),
    "recorder_change": ("unserviceable", "lost", "stolen"),
    "cancelled_vehicle": ("destroyed", "exported", "cancelled"),
}

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Details)


def check_details(kind: ApplicationKind, given: Mapping[str, object]) -> None:
    """`given`: the fields that the caller named.  Raises Problem 422 for one that the kind does not ask."""
    for name, value in given.items():
        if name not in FIELDS[kind]:
            raise invalid(f"/{name}", f"is not asked by an application of kind {kind}", "not_of_this_kind")
        if name == "cause" and value is not None and value not in CAUSES[kind]:
            raise invalid("/cause", f"must be one of {', '.join(CAUSES[kind])}")


def to_json(details: Details) -> bytes:
    return _ENCODER.encode(details)


def from_json(text: bytes) -> Details:
    return _DECODER.decode(text)
