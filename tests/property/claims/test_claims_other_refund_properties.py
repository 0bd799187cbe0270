"""Money never appears or vanishes between a licence's used and unused part, and no kilometre is refunded twice (rules OT1, OT2)."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.rates import Rate
from services.claims.domain.refunds.overlap import plan_overlap
from services.claims.domain.refunds.unused import RefundedPart, divide, not_refunded, unused_from
from services.claims.domain.register.recorder import LICENCE_UNIT, Unit
from tests.unit.claims.builders import licence

UNITS = st.sampled_from(["km", "mi"])
RATES = st.builds(
    lambda cents, units: Rate(cents=cents, units=units, source="paid"), st.integers(1, 200_000), st.integers(1, 60)
)


@given(unit=UNITS, units=st.integers(1, 60), used=st.integers(0, 60_000), cents=st.integers(0, 10_000_000))
def test_OT2_used_unused_and_remainder_are_what_was_paid(unit: Unit, units: int, used: int, cents: int) -> None:
    length = units * LICENCE_UNIT[unit]
    part = divide(length, length - used % (length + 1), Rate(cents=cents, units=units, source="paid"), unit)
    assert part.charge_cents == cents, "whole units at gross over units cost exactly the gross"
    assert part.used_cents + part.unused_cents + part.remainder_cents == cents
    assert part.remainder_cents in {0, 1}
    assert min(part.used_cents, part.unused_cents) >= 0


@given(unit=UNITS, length=st.integers(1, 60_000), used=st.integers(0, 60_000), rate=RATES)
def test_OT2_at_any_rate_and_length_nothing_is_refunded_beyond_the_charge(
    unit: Unit, length: int, used: int, rate: Rate
) -> None:
    part = divide(length, length - used % (length + 1), rate, unit)
    assert part.used_cents + part.unused_cents + part.remainder_cents == part.charge_cents
    assert part.remainder_cents in {0, 1}
    assert part.unused_cents <= part.charge_cents


@given(
    unit=UNITS, start=st.integers(0, 900_000), units=st.integers(1, 40), used=st.integers(0, 39_999), old=RATES,
    new=st.integers(1, 200_000), fee=st.integers(0, 5_000),
)  # fmt: skip
def test_OT1_credit_and_payment_are_the_charge_and_the_old_licence_loses_no_cent(
    unit: Unit, start: int, units: int, used: int, old: Rate, new: int, fee: int
) -> None:
    length = units * LICENCE_UNIT[unit]
    reading = start + used % length
    plan = plan_overlap(
        old_start=start, old_end=start + length, old_rate=old, reading=reading, unit=unit,
        new_rate=Rate(cents=new, units=1, source="table"), fee_cents=fee,
    )  # fmt: skip
    assert plan.credit_cents + plan.pay_cents == plan.charge_cents
    assert plan.pay_with_fee_cents == plan.pay_cents + fee, (
        "the fee is apart: no credit pays it, no refund gives it back"
    )
    assert plan.old.used_cents + plan.credit_cents + plan.old.remainder_cents == plan.old.charge_cents
    assert plan.unused + (reading - start) == length


@given(readings=st.lists(st.integers(0, 12_000), min_size=1, max_size=6), end=st.integers(1, 10_000))
def test_OT2_parts_that_pass_the_rule_never_share_a_kilometre(readings: list[int], end: int) -> None:
    """Each asks for (reading, end]; whatever the rule lets through is taken."""
    paper = licence(start=0, end=end)
    taken: list[RefundedPart] = []
    for number, reading in enumerate(readings):
        unused = unused_from(paper, "km", reading, None)
        if unused.distance and not_refunded("OT2", unused, taken).outcome != "fail":
            source = UUID(int=number)
            taken.append(
                RefundedPart(kind="unused", start=unused.start, end=unused.end, source_id=source, reference="a")
            )
    ordered = sorted((one.start, one.end) for one in taken)
    assert all(first[1] <= second[0] for first, second in pairwise(ordered))
    assert sum(last - first for first, last in ordered) <= end
