"""Why a licence cannot be claimed yet, as things to do (rules EL, DI3, LI5, CL1, CL2, VE2): each in words that a fleet's clerk
acts upon, with the route and field that mend it, or the day until which to wait."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.domain.claim.claim_fields import is_email, is_phone
from services.claims.domain.claim.eligibility import Assessment
from services.claims.domain.findings import Finding
from services.claims.domain.instants import nz_date, to_ms
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import Conflict
from services.claims.domain.statement.statement_parts import Statement
from services.claims.domain.statement.window import newer_licence

READINGS: Final = "POST /v1/readings"
LICENCES: Final = "POST /v1/licences"
WAIVERS: Final = "POST /v1/waivers"
_NEVER: Final = frozenset({"VE5", "LI1", "EL2", "EL5"})
"""What fails by these nobody can mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDo:
    rule: str
    words: str
    route: str | None = None
    """Method and path that mend it; None: no single call does."""
    field: str | None = None
    """Of the route's body."""
    until: date | None = None
    """Time mends it, not before this NZ day."""
    final: bool = False
    """Nothing mends it: the licence cannot be claimed."""


class Payee(NamedTuple):
    """What of the claimant a claim needs beside the licence (rules CL1, EL8)."""

    name: str
    email: str
    phone: str
    has_account: bool
    account_name: Finding
    """Whether it bears the claimant's name, or a person confirmed that it does not."""


def to_do(
    licence: Licence,
    record: VehicleRecord,
    statement: Statement,
    assessment: Assessment,
    verified: Finding,
    payee: Payee | None,
) -> tuple[ToDo, ...]:
    """In the order of the rules; empty for a licence that is claimed, or that can be lodged as it is."""
    if assessment.state in {"lodged", "claimed_outside"}:
        return ()
    failing = [one for one in assessment.findings if one.outcome == "fail"]
    never = [_never(one) for one in failing if _never_mended(one, statement)]
    if never:
        return tuple(never)
    found = [*_end(licence, record, statement, failing), *_readings(statement, failing)]
    for one in failing:
        found += _not_in_yet(one) if one.rule == "EL4" else _mended(one, licence, record, statement)
    found += [
        ToDo(
            rule="LI5",
            words=f"{one.reason}, or ask the operator to enter the rate of its type and purchase date",
            route=f"POST /v1/licences/{licence.id}/correction",
            field="gross_cents",
        )
        for one in assessment.findings
        if one.rule == "LI5" and one.outcome == "unknown"
    ]
    if payee is not None:
        found += _of_payee(payee, licence.claimant_id)
    if verified.outcome == "fail" and assessment.eligible:
        route = f"POST /v1/licences/{licence.id}/verification"
        found.append(ToDo(rule="CL2", words=verified.reason, route=route, field="statement_hash"))
    return tuple(found)


def is_final(assessment: Assessment, statement: Statement) -> bool:
    """Nothing makes the licence claimable any more."""
    return any(one.outcome == "fail" and _never_mended(one, statement) for one in assessment.findings)


def _never_mended(finding: Finding, statement: Statement) -> bool:
    if finding.rule == "CL1":  # nothing to claim: only a manual log could find some in what is unknown
        read = statement.start.between_readings and statement.end.between_readings
        return read and not statement.totals.unknown_mm
    return finding.rule in _NEVER or (finding.rule == "EL4" and not finding.inputs and not finding.waiting)


def _never(finding: Finding) -> ToDo:
    return ToDo(rule=finding.rule, words=finding.reason, final=True)


def _end(licence: Licence, record: VehicleRecord, statement: Statement, failing: Sequence[Finding]) -> Iterator[ToDo]:
    """Rule EL1: read at or beyond the end, and a newer licence, unless the vehicle is gone."""
    if not any(one.rule == "EL1" for one in failing):
        return
    if statement.end.ms is None:
        words = f"it still runs, until {statement.window.end}: enter the reading once that is reached"
        yield ToDo(rule="EL1", words=words, route=READINGS, field="value")
    if newer_licence(licence, record) is None:
        words = (
            "enter the licence that was bought after it: a licence is claimed once a newer one is there (form note 7)"
        )
        yield ToDo(rule="EL1", words=words, route=LICENCES, field="number")


def _readings(statement: Statement, failing: Sequence[Finding]) -> Iterator[ToDo]:
    """Rule DI3: actual readings at or beyond both ends."""
    if not any(one.rule == "DI3" for one in failing):
        return
    start, end = not statement.start.between_readings, not statement.end.between_readings
    for words, is_end in zip(statement.missing, [False] * start + [True] * end, strict=True):
        if not (is_end and statement.end.ms is None):
            yield ToDo(rule="DI3", words=f"enter {words}", route=READINGS, field="value")


def _not_in_yet(finding: Finding) -> Iterator[ToDo]:
    """Rule EL4: what may still change what a claim would hold."""
    inputs = dict(finding.inputs)
    if "needed_through" in inputs:
        day = nz_date(datetime.fromisoformat(inputs["needed_through"]))
        words = f"{finding.reason}: wait, or say why not"
        yield ToDo(rule="EL4", words=words, route=WAIVERS, field="rule", until=day)
    elif "application_id" in inputs:
        at = f"/v1/applications/{inputs['application_id']}"
        words = f"{finding.reason}: enter what the Agency decides of it (see {at}), or withdraw it"
        yield ToDo(rule="EL4", words=words, route=f"POST {at}/withdraw", field="reason")
    elif "open_marks" in inputs:
        for mark_id in filter(None, inputs["not_decided"].split(", ")):
            words = f"{finding.reason}: an operator decides, or whoever marked it takes it back"
            yield ToDo(rule="EL4", words=words, route=f"POST /v1/faulty-data/{mark_id}/withdraw", field="reason")
        if not inputs["not_decided"]:
            yield ToDo(rule="EL4", words=f"{finding.reason}: wait until the statements follow")
    else:
        words = f"{finding.reason}: wait until it is done, or say why not"
        yield ToDo(rule="EL4", words=words, route=WAIVERS, field="rule")


def _mended(finding: Finding, licence: Licence, record: VehicleRecord, statement: Statement) -> Iterator[ToDo]:
    if finding.rule == "VE2":
        for conflict in statement.conflicts:
            yield from _contradicting(conflict, licence, record)
    elif finding.rule == "LI4":
        yield _held(finding, dict(finding.inputs))
    elif finding.rule == "EL6":
        words = f"{finding.reason}. Check the readings, the recorder's unit and on which vehicle the device was"
        yield ToDo(rule="EL6", words=words)
    elif finding.rule == "CL1":
        yield from _nothing_to_claim(finding, licence, statement)


def _nothing_to_claim(finding: Finding, licence: Licence, statement: Statement) -> Iterator[ToDo]:
    if not statement.stands_on and (devices := ", ".join(sorted({span.device for span in statement.spans}))):
        words = (
            f"nothing has come from {devices} for the licence's time: send its pings to ingest, under exactly this name"
        )
        yield ToDo(rule="CL1", words=words, route="POST /v1/pings", field="device_id")
    elif not statement.stands_on:
        words = "no device was on the vehicle in the licence's time: say which, and send its pings to ingest"
        yield ToDo(rule="CL1", words=words, route="POST /v1/devices", field="device")
    if statement.end.between_readings:
        route = f"POST /v1/licences/{licence.id}/log-entries"
        words = f"{finding.reason}; what of it is unknown can be logged by hand, with the page of the log"
        yield ToDo(rule="CL1", words=words, route=route, field="km")


def _contradicting(conflict: Conflict, licence: Licence, record: VehicleRecord) -> Iterator[ToDo]:
    """Rule VE2: whichever of the readings is wrong is struck; no other reading mends it.  One that came with a sale or a
    cancelled registration goes with that."""
    sale = next((one for one in record.vehicle.endings if to_ms(one.at) in conflict[:2]), None)
    wrong = [
        (f"/v1/readings/{one.id}/strike", f"{one.value} on {nz_date(one.at)}")
        for one in record.readings
        if one.recorder_id == licence.recorder_id and to_ms(one.at) in conflict[:2] and one.actual
        if sale is None or (one.at, one.value) != (sale.at, sale.reading)
    ]
    if sale is not None and sale.recorder_id == licence.recorder_id:
        wrong.append((f"/v1/vehicles/{licence.vehicle_id}/sale/strike", f"{sale.reading} of its being {sale.kind}"))
    for route, which in wrong:
        words = f"readings contradict each other: {conflict.text}. Find out which is right; strike {which} if it is not"
        yield ToDo(rule="VE2", words=words, route=f"POST {route}", field="reason")


def look_first(licence_id: UUID, acts: Sequence[Finding]) -> tuple[ToDo, ...]:
    """Rule EL7.  `acts`: whether a person looked at what is larger than expected (`usual_share.is_looked_at`)."""
    route = f"POST /v1/licences/{licence_id}/acknowledgements"
    return tuple(
        ToDo(rule="EL7", words=one.reason, route=route, field="statement_hash") for one in acts if one.outcome == "fail"
    )


def _held(finding: Finding, inputs: Mapping[str, str]) -> ToDo:
    """Rule LI4: only what gives the kilometres back that another claim or refund has mends it."""
    source, sent = inputs["source_id"], inputs.get("state") != "lodged"
    words, route, field = {
        "claim": (
            "only a second application to which the Agency agrees frees them, since its form was sent (rule CL5)",
            f"/v1/claims/{source}/second-application",
            "reference",
        )
        if sent
        else (
            "withdraw that claim, if its form was never sent, and preview both licences anew",
            f"/v1/claims/{source}/withdraw",
            "reason",
        ),
        "outside": (
            "take that record back if it is wrong",
            f"/v1/licences/{inputs.get('other_id')}/claimed-outside/strike",
            "reason",
        ),
        "unused": (
            "withdraw the application if they are to be claimed as off road",
            f"/v1/applications/{source}/withdraw",
            "reason",
        ),
        "credit": ("strike that licence if it was not bought", f"/v1/licences/{source}/strike", "reason"),
    }[inputs["held_by"]]
    return ToDo(rule="LI4", words=f"{finding.reason}: {words}", route=f"POST {route}", field=field)


def _of_payee(payee: Payee, claimant_id: UUID) -> Iterator[ToDo]:
    route = f"POST /v1/claimants/{claimant_id}/correction"
    if not payee.has_account:
        words = f"{payee.name} has no bank account: the form would be returned"
        yield ToDo(rule="EL8", words=words, route=route, field="bank_account")
    elif payee.account_name.outcome == "fail":
        words = f"{payee.account_name.reason}: correct whichever is wrong ({route}), or say why it is right"
        yield ToDo(rule="EL8", words=words, route=WAIVERS, field="claimant_id")
    if not is_email(payee.email):
        words = f"{payee.name} has no e-mail address: enter it, or give one with the claim"
        yield ToDo(rule="CL1", words=words, route=route, field="email")
    if not is_phone(payee.phone):
        words = f"{payee.name} has no phone number with its area code: enter it, or give one with the claim"
        yield ToDo(rule="CL1", words=words, route=route, field="phone")
