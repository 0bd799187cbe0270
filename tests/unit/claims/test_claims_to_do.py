"""What is missing, as things to do: every reason that stops a claim is there, with what mends it (rules EL1-EL8, DI3, CL1, CL2)."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from services.claims.domain.claim.claim import name_of_account
from services.claims.domain.claim.eligibility import ClaimContext, ClaimedMark, assess_licence
from services.claims.domain.claim.taken import How, Taken
from services.claims.domain.findings import Finding, Waiver, waived
from services.claims.domain.register.licence import Licence, UnusedAsked, VehicleRecord
from services.claims.domain.register.vehicle import Ending
from services.claims.domain.statement import to_do as to_do_module
from services.claims.domain.statement.faulty import OpenMark
from services.claims.domain.statement.statement import make_statement
from services.claims.domain.statement.to_do import Payee, ToDo, look_first, to_do
from shared.contracts.device_day import DeviceDay, Hold
from shared.nz_days import to_ordinal
from tests.property.claims.test_claims_statement_properties import Case, cases
from tests.unit.claims.builders import KM, days_from, ledger, licence, ms, nz, reading, record, run, vehicle
from tests.unit.claims.judging import DAYS, FOLLOWING, LATE, POLICY, READINGS, USUAL

VERIFIED = Finding(rule="CL2", outcome="pass", reason="verified", source="s")
UNVERIFIED = replace(VERIFIED, outcome="fail", reason="no person has verified the statement yet")
APPLICATION = UUID(int=7)
OWN = name_of_account("Hill Farms", "Hill Farms")
PAYEE = Payee("Hill Farms", "office@hill.example", "06 388 0000", has_account=True, account_name=OWN)
ANOTHERS = PAYEE._replace(account_name=name_of_account("Hill Farms", "R Hill", "key"))


def things(
    of: Licence | None = None,
    register: VehicleRecord | None = None,
    days: list[DeviceDay] | None = None,
    context: ClaimContext = USUAL,
    verified: Finding = VERIFIED,
    payee: Payee = PAYEE,
) -> list[ToDo]:
    of = of or licence()
    whole = register or record([of, FOLLOWING], READINGS)
    statement = make_statement(of, whole, ledger(*(DAYS if days is None else days)), POLICY.rate_rises)
    judged = assess_licence(of, whole, statement, context, POLICY)
    return list(to_do(of, whole, statement, judged, verified, payee))


def test_a_licence_that_can_be_lodged_leaves_nothing_to_do() -> None:
    assert things() == []


def test_CL2_a_licence_in_which_all_is_right_waits_for_a_person() -> None:
    (one,) = things(verified=UNVERIFIED)
    assert (one.rule, one.route, one.field) == (
        "CL2",
        f"POST /v1/licences/{licence().id}/verification",
        "statement_hash",
    )


def test_EL1_a_running_licence_asks_for_its_end_and_for_the_licence_after_it() -> None:
    found = things(register=record([licence()], READINGS[:1]), verified=UNVERIFIED)
    assert [(one.rule, one.route, one.field) for one in found] == [
        ("EL1", "POST /v1/readings", "value"), ("EL1", "POST /v1/licences", "number"),
    ]  # fmt: skip
    assert "until 5000" in found[0].words


def test_DI3_readings_that_lack_are_named_one_by_one() -> None:
    register = record([licence(), FOLLOWING], [reading(nz(2026, 3, 3), 4200)])
    days = days_from(date(2026, 3, 1), 20, run("off_road", 95 * KM, 7, 12))
    found = [one for one in things(register=register, days=days) if one.rule == "DI3"]
    assert ["at or below 4000" in found[0].words, "at or beyond 5000" in found[1].words] == [True, True]
    assert {(one.route, one.field) for one in found} == {("POST /v1/readings", "value")}


def test_EL4_waiting_names_the_day_and_a_hold_and_a_mark_say_who_acts() -> None:
    early = replace(USUAL, complete_through_ms={"d1": ms(nz(2026, 3, 11))})
    (one,) = things(context=early)
    assert (one.rule, one.route, one.until) == ("EL4", "POST /v1/waivers", date(2026, 3, 14))
    day = to_ordinal(date(2026, 3, 4))
    hold = Hold(tenant="t1", device="d1", day=day, kind="reprocess", open=True, rev=1)
    (one,) = things(context=replace(USUAL, holds=(hold,)))
    assert (one.route, one.until) == ("POST /v1/waivers", None)
    mark = OpenMark(uuid4(), "d1", day, day, "marked")
    (one,) = things(context=replace(USUAL, marks=(mark,)))
    assert (one.route, one.field) == (f"POST /v1/faulty-data/{mark.mark_id}/withdraw", "reason")
    (one,) = things(context=replace(USUAL, marks=(replace(mark, state="accepted"),)))
    assert (one.route, one.final) == (None, False), "it cannot be withdrawn any more: the exclusion is on its way"
    unsettled = [changed(one, settled=False) for one in DAYS]
    (one,) = things(days=unsettled)
    assert (one.route, one.until) == ("POST /v1/waivers", None), "no day is known by which they are"


def surrendered(*, decided: bool = False) -> Licence:
    asked = UnusedAsked(
        application_id=APPLICATION, kind="surrender", from_reading=5_000, on=date(2026, 5, 1), decided=decided
    )
    return licence(unused_asked=asked)


def test_EL4_an_undecided_surrender_is_decided_or_withdrawn() -> None:
    of = surrendered()
    (one,) = things(of, record([of, FOLLOWING], READINGS))
    assert (one.rule, one.route, one.field) == ("EL4", f"POST /v1/applications/{APPLICATION}/withdraw", "reason")
    assert f"enter what the Agency decides of it (see /v1/applications/{APPLICATION}), or withdraw it" in one.words
    of = surrendered(decided=True)
    assert things(of, record([of, FOLLOWING], READINGS)) == []


def test_VE2_either_of_two_readings_that_contradict_each_other_is_struck_and_then_none_does() -> None:
    """Another reading between them would contradict one of the two as well."""
    high, low, fit = reading(nz(2026, 3, 4), 4900), reading(nz(2026, 3, 6), 4300), reading(nz(2026, 3, 5), 4600)
    found = things(register=record([licence(), FOLLOWING], [*READINGS, high, low]))
    assert [one.route for one in found] == [f"POST /v1/readings/{one.id}/strike" for one in (high, low)]
    assert ["4900 on 2026-03-04" in found[0].words, "4300 on 2026-03-06" in found[1].words] == [True, True]
    for left in (high, low):
        assert things(register=record([licence(), FOLLOWING], [*READINGS, left])) == []
    assert things(register=record([licence(), FOLLOWING], [*READINGS, high, fit, low]))


def test_VE2_a_reading_that_came_with_the_sale_goes_with_the_sale() -> None:
    before = reading(nz(2026, 3, 4), 4900)
    sold = Ending(kind="sold", at=nz(2026, 3, 12), recorder_id=before.recorder_id, reading=4_800)
    with_it = reading(sold.at, 4_800)
    found = things(register=record([licence(), FOLLOWING], [*READINGS[:1], before, with_it], of=vehicle(sold)))
    routes = [one.route for one in found if one.rule == "VE2"]
    assert routes == [
        f"POST /v1/readings/{before.id}/strike",
        f"POST /v1/vehicles/{licence().vehicle_id}/sale/strike",
    ]


HOW: tuple[How, ...] = ("claim", "outside", "unused", "credit")
HELD = [
    Taken(how=how, start=4500, upto=5000, reference="R", source_id=uuid4(), other_id=uuid4(), other="L9", state=state)
    for how in HOW
    for state in ("lodged", "sent")
]


def fields_by_route(service: str) -> Iterator[tuple[str, set[str]]]:
    """(method and path, the fields of its body), of the service's OpenAPI document."""
    document = msgspec.json.decode((Path(__file__).parents[3] / f"docs/openapi/{service}.json").read_bytes())
    schemas = document["components"]["schemas"]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            names = re.findall("#/components/schemas/([A-Za-z]+)", msgspec.json.encode(schema).decode())
            fields = {field for name in names for field in schemas[name].get("properties", {})}
            yield f"{method.upper()} {re.sub('{[^}]+}', '{}', path)}", fields


def test_every_route_that_a_thing_to_do_names_is_in_the_openapi_document_with_its_field() -> None:
    day = to_ordinal(date(2026, 3, 4))
    marks = (OpenMark(uuid4(), "d1", day, day, "marked"),)
    public = days_from(date(2026, 3, 1), 10, run("public_road", 55 * KM, 7, 9))
    conflict = [*READINGS, reading(nz(2026, 3, 4), 4900), reading(nz(2026, 3, 6), 4300)]
    sold = Ending(kind="sold", at=nz(2026, 3, 12), recorder_id=READINGS[0].recorder_id, reading=4_800)
    unpriced, of = licence(gross_cents=None), surrendered()
    found = [
        *things(register=record([licence()], READINGS[:1])),
        *things(register=record([licence(), FOLLOWING], READINGS[1:])),
        *things(context=replace(USUAL, complete_through_ms={})),
        *things(context=replace(USUAL, marks=marks)),
        *things(register=record([licence(), FOLLOWING], conflict)),
        *things(register=record([licence(), FOLLOWING], READINGS, of=vehicle(sold))),
        *things(days=public),
        *things(days=[]),
        *things(register=record([licence(), FOLLOWING], READINGS, assignments=[]), days=[]),
        *things(unpriced, record([unpriced, FOLLOWING], READINGS)),
        *things(of, record([of, FOLLOWING], READINGS)),
        *(one for held in HELD for one in things(context=replace(USUAL, taken=(held,)))),
        *things(verified=UNVERIFIED),
        *things(payee=PAYEE._replace(email="", phone="", has_account=False)),
        *things(payee=ANOTHERS),
        *look_first(of.id, [Finding(rule="EL7", outcome="fail", reason="look", source="s")]),
    ]
    assert {one.rule for one in found} == {"EL1", "DI3", "EL4", "LI4", "VE2", "CL1", "LI5", "CL2", "EL8", "EL7"}
    routes = {(re.sub("[0-9a-f-]{36}", "{}", one.route), one.field) for one in found if one.route}
    written = re.findall(r"/v1/[a-z-]+", inspect.getsource(to_do_module))
    assert {route.split("/")[2] for route, _ in routes} == {path.split("/")[2] for path in written}, "each is tried"
    bodies = {name: fields for service in ("claims", "ingest") for name, fields in fields_by_route(service)}
    assert {(route, field) for route, field in routes if field not in bodies.get(route, set())} == set()


def test_EL1_EL2_EL4_what_nobody_can_mend_is_said_alone_and_as_final() -> None:
    late = things(context=replace(USUAL, today=date(2028, 3, 1)), verified=UNVERIFIED)
    assert [(one.rule, one.final) for one in late] == [("EL2", True)]
    exempt = record([licence()], READINGS, of=vehicle(exempt=True, exempt_reason="tractor"))
    assert [(one.rule, one.final) for one in things(register=exempt)] == [("VE5", True)]
    extra = things(licence(kind="additional"))
    assert [(one.rule, one.final) for one in extra] == [("LI1", True), ("CL1", True)]
    public = days_from(date(2026, 3, 1), 10, run("public_road", 100 * KM, 7, 9))
    assert [(one.rule, one.final) for one in things(days=public)] == [("CL1", True)]


def test_CL1_what_is_unknown_can_be_logged_by_hand() -> None:
    days = days_from(date(2026, 3, 1), 10, run("public_road", 55 * KM, 7, 9))
    (one,) = [one for one in things(days=days) if one.rule == "CL1"]
    assert (one.route, one.field) == (f"POST /v1/licences/{licence().id}/log-entries", "km")


def test_CL1_where_nothing_has_come_the_pings_are_asked_for_first_or_the_device() -> None:
    pings, log = [one for one in things(days=[]) if one.rule == "CL1"]
    assert (pings.route, pings.field, log.field) == ("POST /v1/pings", "device_id", "km")
    assert "nothing has come from d1" in pings.words
    bare = record([licence(), FOLLOWING], READINGS, assignments=())
    (device, _) = [one for one in things(register=bare, days=[]) if one.rule == "CL1"]
    assert (device.route, device.field) == ("POST /v1/devices", "device")


def test_EL8_CL1_the_claimants_gaps_are_told_with_the_licence() -> None:
    found = things(payee=ANOTHERS._replace(email="", phone="388 0000", has_account=False))
    assert [(one.rule, one.field) for one in found] == [("EL8", "bank_account"), ("CL1", "email"), ("CL1", "phone")]
    assert {one.route for one in found} == {f"POST /v1/claimants/{licence().claimant_id}/correction"}


def test_EL8_an_account_in_another_name_is_to_be_confirmed_or_corrected() -> None:
    (one,) = things(payee=ANOTHERS)
    assert (one.rule, one.route, one.field) == ("EL8", "POST /v1/waivers", "claimant_id")
    assert "'R Hill'" in one.words and f"/v1/claimants/{licence().claimant_id}/correction" in one.words
    decided = Waiver(rule="EL8", reason="the partner's", actor="R Hill", at=nz(2026, 3, 1), covers=frozenset({"key"}))
    assert things(payee=ANOTHERS._replace(account_name=waived(ANOTHERS.account_name, [decided]))) == []


def test_LI5_an_unknown_rate_is_asked_for() -> None:
    of = licence(gross_cents=None)
    (one,) = things(of, record([of, FOLLOWING], READINGS))
    assert (one.rule, "units and the gross charge" in one.words) == ("LI5", True)
    assert (one.route, one.field) == (f"POST /v1/licences/{of.id}/correction", "gross_cents")


def test_EL4_a_claimed_licence_leaves_nothing_to_do() -> None:
    mark = ClaimedMark(where="here", reference="RUCOR-000001", on=date(2026, 5, 1))
    assert things(context=replace(USUAL, mark=mark)) == []


@settings(max_examples=200, deadline=None)
@given(cases(), st.booleans(), st.booleans(), st.sampled_from([None, "sold", "exempt"]), st.booleans())
def test_whatever_stops_a_claim_is_to_be_done_and_nothing_else_is(
    case: Case, following: bool, complete: bool, ended: str | None, held: bool
) -> None:
    """EL and DI: something is to do exactly where the licence is not eligible."""
    of = replace(case.licence(), units=1)
    others = [case.licence("L2", case.end, case.end + 1000)] if following else []
    register = case.record(of, *others)
    if ended is not None:
        ending = Ending(kind="sold", at=nz(2026, 4, 6)) if ended == "sold" else Ending(kind="exempt", at=nz(2026, 4, 6))
        register = replace(register, vehicle=vehicle(ending))
    hold = Hold(tenant="t1", device="d1", day=to_ordinal(date(2026, 4, 4)), kind="dirty", open=True, rev=1)
    context = ClaimContext(
        today=date(2026, 6, 1), complete_through_ms=LATE if complete else {}, holds=(hold,) if held else ()
    )
    statement = make_statement(of, register, ledger(*case.days), ())
    judged = assess_licence(of, register, statement, context, POLICY)
    found = to_do(of, register, statement, judged, VERIFIED, PAYEE)
    assert bool(found) == (not judged.eligible)
    failing = {one.rule for one in judged.findings if one.outcome == "fail"}
    assert {one.rule for one in found} <= failing
    final = [one for one in found if one.final]
    assert not final or len(final) == len(found)
    assert all(one.words and (one.final or one.route or one.rule == "EL6") for one in found)
