"""What an application stands on: shown while it is a draft, frozen as exact JSON when it is made ready (design G5)."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_request import FindingShown
from services.claims.application.refunds.application_details import Details


class LicenceInput(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    number: str
    plate: str
    kind: str
    start_reading: int
    end_reading: int
    issued_on: date
    purchased_on: date
    units: int | None
    gross_cents: int | None
    credit_cents: int


class RecorderInput(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    serial: str
    kind: str
    unit: str


class ClaimantInput(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    bank_account_masked: str
    bank_account_name: str


class UnusedInput(msgspec.Struct, frozen=True, kw_only=True):
    """(from_reading, end_reading] of the licence, and how its charge falls on it: used + unused + remainder = charge."""

    from_reading: int
    end_reading: int
    distance: int
    unit: str
    charge_cents: int | None
    used_cents: int | None
    unused_cents: int | None
    remainder_cents: int | None


class SuccessorInput(msgspec.Struct, frozen=True, kw_only=True):
    """Recorder change: what follows the old recorder and licence."""

    recorder_id: UUID
    serial: str
    licence_id: UUID
    licence_number: str
    start_reading: int


class DocumentInput(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    attachment_id: UUID
    shows: tuple[str, ...]


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The same fields give the same bytes."""

    application_id: UUID
    kind: str
    on: date
    licence: LicenceInput
    recorder: RecorderInput
    claimant: ClaimantInput | None
    details: Details
    successor: SuccessorInput | None
    effective_at: datetime | None
    """From this instant on the licence is given back: None while it is not known."""
    unused: UnusedInput | None
    rate: str | None
    """Dollars for 1000 km."""
    rate_source: str | None
    amount_cents: int | None
    """What is asked for: None while the reading or the rate is not known."""
    calculation: str
    findings: tuple[FindingShown, ...]
    documents: tuple[DocumentInput, ...]
    policy: str


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(Inputs)


def to_bytes(inputs: Inputs) -> bytes:
    return _ENCODER.encode(inputs)


def from_bytes(text: bytes) -> Inputs:
    return _DECODER.decode(text)
