"""Whether everything is in that a claim of a licence could hold (rule EL4)."""

from collections.abc import Sequence
from typing import Final

from services.claims.domain.claim.licence_rules import ClaimContext
from services.claims.domain.findings import Finding, waived
from services.claims.domain.instants import from_ms
from services.claims.domain.policy import Policy
from services.claims.domain.statement.statement_parts import Statement
from shared.contracts.device_day import Hold
from shared.nz_days import day_of, from_ordinal

_HOUR_MS: Final = 3_600_000


def is_complete(statement: Statement, context: ClaimContext, policy: Policy) -> list[Finding]:
    """Rule EL4: no late top-up is possible, so whatever may still change the distance blocks, or is waived."""
    if statement.end.ms is None:
        return []
    return [
        waived(_all_in(statement, statement.end.ms, context, policy), context.waivers),
        waived(_no_holds(statement, context.holds), context.waivers),
    ]


def _all_in(statement: Statement, end_ms: int, context: ClaimContext, policy: Policy) -> Finding:
    # an interpolated end moves with whatever lies between it and the reading behind it
    needed_ms = max([end_ms, *(span.until_ms for span in statement.spans)]) + policy.late_window_hours * _HOUR_MS
    devices = sorted({span.device for span in statement.spans})
    late = [device for device in devices if (context.complete_through_ms.get(device) or 0) < needed_ms]
    inputs: tuple[tuple[str, str], ...]
    inputs = (("needed_through", from_ms(needed_ms).isoformat()), ("devices", ", ".join(devices) or "none"))
    source = "Act s 35(3); policy (late window)"
    faults, against = [], []
    if late:
        known = [context.complete_through_ms.get(device) for device in late]
        through = "not known" if None in known else from_ms(min(ms for ms in known if ms is not None)).isoformat()
        faults.append(f"data may still arrive for {', '.join(late)}: complete through {through}, needed {inputs[0][1]}")
        against += [f"data of {device} through {inputs[0][1]}" for device in late]
    if statement.unsettled_days:
        faults.append(f"{statement.unsettled_days} device-days of the licence are not settled yet")
        against.append(f"unsettled days of statement {statement.hash}")
        unsettled = ("unsettled_days", str(statement.unsettled_days))
        inputs = (*inputs, unsettled) if late else (unsettled, *inputs[1:])
    if not faults:
        reason = f"everything up to {policy.late_window_hours} h after the licence's end is in"
        return Finding(rule="EL4", outcome="pass", reason=reason, source=source, inputs=inputs)
    return Finding(
        rule="EL4", outcome="fail", reason="; ".join(faults), source=source, inputs=inputs, waiting=True,
        waivable=tuple(against),
    )  # fmt: skip


def _no_holds(statement: Statement, holds: Sequence[Hold]) -> Finding:
    periods = [(span.device, day_of(span.from_ms), day_of(span.until_ms - 1)) for span in statement.spans]
    blocking = sorted(
        {
            (hold.day, hold.device, hold.kind, hold.rev)
            for hold in holds
            if hold.open and any(hold.device == d and first <= hold.day <= last for d, first, last in periods)
        }
    )
    if not blocking:
        return Finding(rule="EL4", outcome="pass", reason="nothing is held back in the period", source="Act s 35(3)")
    shown = "; ".join(f"{kind} {device} on {from_ordinal(day)}" for day, device, kind, _ in blocking[:5])
    more = f" and {len(blocking) - 5} more" if len(blocking) > 5 else ""
    reason = f"still being worked on: {shown}{more}"
    return Finding(
        rule="EL4",
        outcome="fail",
        reason=reason,
        source="Act s 35(3)",
        inputs=(("open_holds", str(len(blocking))),),
        waiting=True,
        waivable=tuple(
            f"{kind} {device} on {from_ordinal(day)}, revision {rev}" for day, device, kind, rev in blocking
        ),
    )
