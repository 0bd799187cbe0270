"""What claims hands to pdf over HTTP: frozen snapshots, complete in themselves.  pdf holds no truth and looks nothing up."""

from typing import Annotated, Final, Literal

import msgspec


class FormLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the RUCOR grid (rule FO1)."""

    plate: str
    licence_number: str
    distance_km: int
    reason_code: int
    method: str
    """"GPS" or "Other"."""
    specify_type: str
    licence_id: str
    sheet: int = 1
    """Which sheet of the claim the line stands on, from 1: claims packs sheets by rule EL3."""


FORM_ROWS: Final = {"rucor-9row": 9}
"""Template version of the form → rows of one sheet's grid.  The pdf service has a template of each."""


class FormSnapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the RUCOR form prints.  The form is a pure function of this (rule CL4)."""

    claim_id: str
    claim_number: str
    template_version: str
    lodged_on: str
    customer_number: str
    """9-10 digits, "" when blank (first claim)."""
    first_claim: bool
    applicant_name: str
    lines: tuple[FormLine, ...]
    travel_description: str
    records_held: str
    person_completing: str
    email: str
    phone: str
    address: str
    bank_account: str
    """Digits only, as validated, left-aligned into the form's boxes."""
    bank_account_name: str
    notes: tuple[str, ...] = ()
    """Forced warnings that must be printed (SU7)."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    off_road_mm: int


class DayLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One NZ day of a licence, closed millimetres."""

    day: str
    """ISO date, NZ."""
    public_mm: int
    off_road_mm: int
    unknown_mm: int
    carried_mm: int
    uncovered_mm: int
    fixes: int
    off_road_by_basis: dict[str, int]
    note: str = ""


Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]


class Track(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drawn line of one surface: [[lng, lat], …] in degrees."""

    surface: str
    points: tuple[tuple[Longitude, Latitude], ...]


class ReportFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: str
    outcome: Literal["pass", "warn", "fail", "unknown"]
    reason: str
    source: str


class PlaceLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Off-road millimetres at one place on one basis (rule DI6)."""

    place: str
    basis: str
    off_road_mm: int
    days: int


class LicenceReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The report of one licence in any state (rule CL8); `claimed_as` is the claim number or "" → marked *not claimed*."""

    claimant_name: str
    plate: str
    vehicle: str
    licence_number: str
    licence_kind: str
    recorder: str
    """"odometer" or "hubodometer", and its serial."""
    start_km: int
    end_km: int
    issued_on: str
    period: tuple[str, str]
    """First and last NZ day with travel on this licence, ISO; ("", "") where none."""
    state: str
    claimed_as: str
    days: tuple[DayLine, ...]
    totals: DayLine
    claimable_km: int
    rate: str
    """Dollars per 1000 km as text, "unknown" where no rate is known."""
    estimate: str
    """Dollars as text, or "unknown"."""
    closure: str
    """How the distance closed: recorder, GPS sum, drift, in words."""
    coverage_percent: str
    findings: tuple[ReportFinding, ...]
    tracks: tuple[Track, ...]
    """Vehicle tracks by surface, simplified."""
    roads: tuple[Track, ...]
    """Ways of the road data set around them, surface = what the set takes them as."""
    evidence: dict[str, str]
    """Names a claim stands on: road set, scheme, policy version, statement hash, …"""
    labels: tuple[str, ...] = ()
    """e.g. "demo readings"."""
    generated_on: str = ""
    places: tuple[PlaceLine, ...] = ()
    """The greatest first; they sum to the off-road total.  Named when it is printed, of the statement that it reports only."""
