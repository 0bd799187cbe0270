"""Rules over a statement's figures and their worth (rules EL3 for one licence, EL6, LI5)."""

from services.claims.domain.findings import PAGE_MINIMUM, PAGE_RECORDS, POLICY, Finding, dollars, km, percent
from services.claims.domain.policy import Policy
from services.claims.domain.rates import Rate, estimate_cents
from services.claims.domain.register.recorder import MM_PER_KM
from services.claims.domain.statement.statement_parts import Statement, recorder_totals


def closes(statement: Statement, policy: Policy) -> Finding:
    """Rule EL6: GPS above the recorder.  Within one display unit the recorder cannot tell (rule DI1)."""
    gps_mm, recorder_mm = recorder_totals(statement.stretches)
    inputs = (("gps_mm", str(gps_mm)), ("recorder_mm", str(recorder_mm)), ("drift_mm", str(statement.drift_mm)))
    if "legal_recorder" not in statement.closed_on:
        reason = "there is no stretch between two actual readings to compare with"
        return Finding(rule="EL6", outcome="unknown", reason=reason, source=POLICY, inputs=inputs)
    above_mm = gps_mm - recorder_mm
    figures = f"GPS {km(gps_mm)}, recorder {km(recorder_mm)}"
    limit = policy.gps_above_recorder_percent
    if above_mm > statement.unit_mm and above_mm * 100 > recorder_mm * limit:
        share = percent(above_mm, recorder_mm) if recorder_mm else "all of it"
        reason = f"{figures}: GPS lies {share} above the recorder, more than {limit} %; device, reading or wheel size is wrong"
        return Finding(rule="EL6", outcome="fail", reason=reason, source=POLICY, inputs=inputs)
    drift = "" if statement.drift_mm is None else f"; the devices' odometer differs by {_signed_km(statement.drift_mm)}"
    return Finding(rule="EL6", outcome="pass", reason=figures + drift, source=POLICY, inputs=inputs)


def _signed_km(mm: int) -> str:
    return ("-" if mm < 0 else "+") + km(abs(mm))


def is_known(statement: Statement, rate: Rate | None, policy: Policy) -> Finding:
    """Rule EL6: the unknown share, with the kilometres and dollars that it costs."""
    unknown_mm, share_mm = statement.totals.unknown_mm, statement.totals.share_mm
    inputs = (("unknown_mm", str(unknown_mm)), ("share_mm", str(share_mm)))
    if not share_mm:
        return Finding(rule="EL6", outcome="pass", reason="no distance, nothing unknown", source=POLICY, inputs=inputs)
    figures = f"{km(unknown_mm)} ({percent(unknown_mm, share_mm)}) of {km(share_mm)} are unknown"
    if unknown_mm * 100 <= share_mm * policy.unknown_percent:
        return Finding(rule="EL6", outcome="pass", reason=figures, source=POLICY, inputs=inputs)
    worth = estimate_cents(unknown_mm // MM_PER_KM, rate)
    forgone = "their worth is not known" if worth is None else f"up to {dollars(worth)} forgone"
    reason = f"{figures}, more than {policy.unknown_percent} %: {forgone}"
    return Finding(rule="EL6", outcome="warn", reason=reason, source=POLICY, inputs=inputs)


def is_covered(statement: Statement) -> Finding:
    """Rule EL6: coverage, which is printed and decides nothing."""
    inputs = (("engine_on_ms", str(statement.engine_on_ms)), ("covered_ms", str(statement.covered_ms)))
    if not statement.engine_on_ms:
        reason = "no device told when the engine was on"
        return Finding(rule="EL6", outcome="unknown", reason=reason, source=PAGE_RECORDS, inputs=inputs)
    share = percent(statement.covered_ms, statement.engine_on_ms)
    reason = f"{share} of the engine-on time has a fix at least every 10 minutes with position and odometer"
    return Finding(rule="EL6", outcome="pass", reason=reason, source=PAGE_RECORDS, inputs=inputs)


def is_priced(rate: Rate | None) -> Finding:
    """Rule LI5."""
    source = "Act s 30(3)(b), s 35(1)(e)"
    if rate is None:
        reason = "the rate paid is not known: enter the units and the gross charge of the licence"
        return Finding(rule="LI5", outcome="unknown", reason=reason, source=source)
    origin = "gross charge over units" if rate.source == "paid" else f"rate table ({rate.note})"
    reason = f"${rate.dollars_per_1000km} for 1000 km, from the {origin}"
    return Finding(rule="LI5", outcome="pass", reason=reason, source=source)


def worth_alone(estimate: int | None, policy: Policy) -> Finding:
    """Rule EL3 seen from one licence: it never blocks here, since the rule looks at the whole claim."""
    minimum = dollars(policy.minimum_claim_cents)
    if estimate is None:
        reason = f"without a rate nobody can say whether it reaches {minimum}"
        return Finding(rule="EL3", outcome="unknown", reason=reason, source=PAGE_MINIMUM)
    inputs = (("estimate_cents", str(estimate)),)
    if estimate < policy.minimum_claim_cents:
        reason = f"{dollars(estimate)} alone is under {minimum}: claim it together with other licences"
        return Finding(rule="EL3", outcome="warn", reason=reason, source=PAGE_MINIMUM, inputs=inputs)
    reason = f"{dollars(estimate)} reaches {minimum} by itself"
    return Finding(rule="EL3", outcome="pass", reason=reason, source=PAGE_MINIMUM, inputs=inputs)
