"""Buying a licence that overlaps the present one: what is credited, how much must be bought, what it costs (rule OT1).

Source: nzta-ruc-reduction-2022.txt lines 49-115; Act s 31.  Readings are in the recorder's unit, money in cents."""

from dataclasses import dataclass
from typing import Final, Literal

from services.claims.domain.rates import Rate
from services.claims.domain.refunds.unused import Division, divide
from services.claims.domain.register.recorder import LICENCE_UNIT, Unit

START_TIP: Final = (
    "Change the new start distance to the present reading ({reading}): online in its field, at an agent in the second table of "
    "form RUCLA. Left as it is, the new licence starts at the old one's end and nothing is credited."
)
DECLARATION: Final = (
    "While rates are reduced the buyer declares to buy only what is meant to be travelled in that time. Purchases that are "
    "excessive or unreasonable, or that abuse the reduction, can be invoiced with the difference to the full rate."
)
Fault = Literal["not_in_range", "end_not_past", "credit_left"]


class OverlapRefused(ValueError):
    """The licence asked for would be refused; `fault` says which condition it breaks."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """A licence from `start_reading` that takes the place of the rest of the old one."""

    start_reading: int
    end_reading: int
    units: int
    least_units: int
    """So many pass the old end and use all credit."""
    unused: int
    """Of the old licence, in the recorder's unit."""
    further: int
    """How far the new licence reaches beyond the old one's end."""
    old: Division
    """How the old licence's charge falls on what was used of it and what is credited."""
    credit_cents: int
    charge_cents: int
    """Of the new one."""
    fee_cents: int | None
    """None: the fee of that channel and day is not known."""
    pay_cents: int
    """Without the fee."""
    start_tip: str
    declaration: str

    @property
    def pay_with_fee_cents(self) -> int | None:
        return None if self.fee_cents is None else self.pay_cents + self.fee_cents


def plan_overlap(
    *, old_start: int, old_end: int, old_rate: Rate, reading: int, unit: Unit, new_rate: Rate, fee_cents: int | None,
    units: int | None = None,
) -> Overlap:  # fmt: skip
    """The overlap of `units`, or of the least that is allowed.

    Credit = unused distance x the rate paid, floored to a cent; on a mile recorder a unit of 621 miles costs what 1000 km do.
    Raises OverlapRefused."""
    if not old_start <= reading < old_end:
        raise OverlapRefused("not_in_range", f"the reading {reading} leaves nothing of {old_start} to {old_end} unused")
    one = LICENCE_UNIT[unit]
    unused = old_end - reading
    old = divide(old_end - old_start, unused, old_rate, unit)
    credit = old.unused_cents
    to_pass = unused // one + 1
    to_spend = -(-credit * new_rate.units // new_rate.cents)  # rounded up
    least = max(to_pass, to_spend)
    taken = least if units is None else units
    if taken < to_pass:
        raise OverlapRefused(
            "end_not_past",
            f"{taken} units end at {reading + taken * one}, not past the old end {old_end}: at least {least} are needed",
        )
    charge = taken * new_rate.cents // new_rate.units
    if charge < credit:
        raise OverlapRefused(
            "credit_left",
            f"{taken} units cost {charge} cents and leave {credit - charge} of {credit} cents of credit unused: "
            f"all of it must be used, at least {least} units are needed",
        )
    return Overlap(
        start_reading=reading,
        end_reading=reading + taken * one,
        units=taken,
        least_units=least,
        unused=unused,
        further=reading + taken * one - old_end,
        old=old,
        credit_cents=credit,
        charge_cents=charge,
        fee_cents=fee_cents,
        pay_cents=charge - credit,
        start_tip=START_TIP.format(reading=reading),
        declaration=DECLARATION,
    )
