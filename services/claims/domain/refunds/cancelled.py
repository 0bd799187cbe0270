"""A vehicle that was destroyed, exported or taken off the register: what of its licence is unused (rule OT4).

Source: nzta-refunds.txt lines 53-57; Act s 32."""

from typing import Final, Literal

from services.claims.domain.findings import Finding, day
from services.claims.domain.instants import nz_date
from services.claims.domain.register.licence import Licence
from services.claims.domain.register.vehicle import Ending, Vehicle

AFTER: Final = "nzta-refunds.txt line 55"
MR15: Final = "nzta-refunds.txt line 57"
Fate = Literal["destroyed", "exported", "cancelled"]


def cancellation_of(vehicle: Vehicle) -> Ending | None:
    """What form MR15 recorded: the day of the cancellation and the reading at it."""
    return next((ending for ending in vehicle.endings if ending.kind == "deregistered"), None)


def check_cancelled(licence: Licence, vehicle: Vehicle, fate: Fate | None) -> list[Finding]:
    """Refunds come only after the registration was cancelled, from the reading that was taken then."""
    found = []
    if fate is None:
        reason = "whether the vehicle was destroyed, exported or only taken off the register is needed"
        found.append(Finding(rule="OT4", outcome="fail", reason=reason, source=AFTER, waiting=True))
    cancelled = cancellation_of(vehicle)
    if cancelled is None:
        reason = (
            "the registration is not cancelled yet: hand in the plates with form MR15, then record its day and reading "
            "with POST /vehicles/{id}/sale, kind deregistered"
        )
        found.append(Finding(rule="OT4", outcome="fail", reason=reason, source=AFTER, waiting=True))
    elif cancelled.recorder_id != licence.recorder_id or cancelled.reading is None:
        reason = (
            "the reading at the cancellation is another recorder's: this licence ended when the recorder was changed"
        )
        found.append(Finding(rule="OT4", outcome="fail", reason=reason, source=MR15))
    else:
        reason = f"cancelled on {nz_date(cancelled.at)} at {cancelled.reading}: the off-road range ends there"
        inputs = (("cancelled_on", day(nz_date(cancelled.at))), ("reading", str(cancelled.reading)))
        found.append(Finding(rule="OT4", outcome="pass", reason=reason, source=MR15, inputs=inputs))
    return found
