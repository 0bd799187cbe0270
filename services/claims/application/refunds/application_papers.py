"""What a person sends for an application, field by field, with a draft of the words (rules OT2, OT3, OT4)."""

from dataclasses import dataclass
from typing import Final, cast

from services.claims.application.refunds.application_inputs import Inputs
from services.claims.domain.findings import dollars
from services.claims.domain.instants import nz_date
from services.claims.domain.refunds.application_life import ApplicationKind
from services.claims.domain.refunds.application_papers import WAYS, Way

NOT_KNOWN: Final = "not known yet"


@dataclass(frozen=True)
class Field:
    label: str
    value: str | None
    """None: still missing."""


@dataclass(frozen=True)
class Papers:
    way: Way
    fields: tuple[Field, ...]
    letter: str


def papers_of(inputs: Inputs) -> Papers:
    """Pure: frozen inputs give the same papers for ever."""
    kind = cast("ApplicationKind", inputs.kind)
    fields = (*_common(inputs), *_own(inputs))
    return Papers(WAYS[kind], fields, _letter(inputs, fields))


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)


def _common(inputs: Inputs) -> list[Field]:
    who = inputs.claimant
    return [
        Field("Registration plate", _text(inputs.licence.plate)),
        Field("RUC licence number", inputs.licence.number),
        Field("Name", _text(who.name) if who else None),
        Field("Bank account (to be written in full)", _text(who.bank_account_masked) if who else None),
        Field("Bank account name", _text(who.bank_account_name) if who else None),
    ]


def _own(inputs: Inputs) -> list[Field]:
    details, unit = inputs.details, inputs.recorder.unit
    if inputs.kind == "surrender":
        return [Field(f"Present reading ({unit})", _text(details.reading)), Field("Read on", _day(inputs))]
    if inputs.kind == "cancelled_vehicle":
        reading = inputs.unused.from_reading if inputs.unused is not None else None
        return [
            Field("Destroyed, exported or cancelled", _text(details.cause)),
            Field("Registration cancelled on", _day(inputs)),
            Field(f"Reading on form MR15 ({unit})", _text(reading)),
        ]
    lost = details.cause in {"lost", "stolen"}
    reading = inputs.unused.from_reading if inputs.unused is not None else None
    successor = inputs.successor
    fields = [
        Field("Old hubodometer", inputs.recorder.serial),
        Field("Found unserviceable, lost or stolen", _text(details.cause)),
        Field("On", _day(inputs)),
        Field(f"{'Estimated reading' if lost else 'Its reading then'} ({unit})", _text(reading)),
        Field("Odometer reading (powered vehicles)", _text(details.odometer_reading)),
        Field("New hubodometer", successor.serial if successor else None),
        Field(f"Its start reading ({unit})", _text(successor.start_reading) if successor else None),
        Field("Replacement licence", successor.licence_number if successor else None),
    ]
    return [*fields, Field("Calculation of the estimate", _text(inputs.calculation))] if lost else fields


def _day(inputs: Inputs) -> str | None:
    return None if inputs.effective_at is None else nz_date(inputs.effective_at).isoformat()


def _letter(inputs: Inputs, fields: tuple[Field, ...]) -> str:
    """A draft: a person reads, completes and sends it."""
    what = {
        "surrender": "surrender this licence and ask for a refund of its unused distance",
        "recorder_change": "ask for a refund of the unused distance of this licence, whose hubodometer was changed",
        "cancelled_vehicle": "ask for a refund of the unused distance of this licence, whose vehicle is off the register",
    }[inputs.kind]
    lines = [f"We {what}.", ""]
    lines += [f"{one.label}: {one.value or NOT_KNOWN}" for one in fields]
    unused = inputs.unused
    if unused is not None:
        lines.append(f"Unused: {unused.distance} {unused.unit}, from {unused.from_reading} to {unused.end_reading}")
    amount = NOT_KNOWN if inputs.amount_cents is None else dollars(inputs.amount_cents)
    rate = f" at ${inputs.rate} for 1000 km, the rate when it was bought" if inputs.rate else ""
    lines.append(f"Refund by our calculation: {amount}{rate}")
    return "\n".join(lines) + "\n"
