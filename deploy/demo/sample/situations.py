"""The sample's licences, seeded so that each of the ten situations occurs, each with its documented outcome."""

from collections.abc import Callable, Mapping
from typing import Final

from deploy.demo.sample.fleet import Driven, sale_ms
from deploy.demo.sample.meters import Meter
from deploy.demo.sample.office import FOLLOWING, HOUR_MS, Office
from deploy.demo.sample.register import ACTOR, DAY_MS, LIGHT_CENTS, UNIT_KM, Expected, Register, instant
from deploy.demo.sample.vehicles import DAYS
from shared.nz_days import bounds_ms, from_ordinal

TOO_OLD_DAYS: Final = 2 * 365 + 40
OVERLAP_AFTER_KM: Final = 600
CHANGE_DAY: Final = 7
COUPLED_DAYS: Final = ((0, 5), (7, 13))
"""First and last day of each coupling of the stock truck's trailer."""
STOCK_CENTS: Final = 34_500
TRAILER_CENTS: Final = 16_800
LOGGING_CENTS: Final = 41_200
QUARRY_CENTS: Final = 29_700
"""What the sample's licences cost per 1000 km.  No public table of heavy rates could be read (domain facts, section 1), so
the office enters the gross paid, as it would from its receipts."""

CLAIMABLE: Final = ("claimable", "lodged")
USED: Final = {"EL1": "pass", "EL2": "pass", "DI3": "pass"}
RUNNING: Final = Expected("running", ("running",), {"EL1": "fail"}, "its end has not been reached")


def fill(fleet: Mapping[str, Driven], first_day: int, start_ms: float, end_ms: float) -> Register:
    """The whole register for this fortnight."""
    office = Office(Register(start_ms, end_ms), fleet, first_day)
    _claimants(office.register)
    parts: tuple[Callable[[Office], None], ...] = (
        _claimable_and_running, _no_newer, _overlapped, _sold, _too_old, _under_twenty,
        _stock_and_trailer, _logging, _quarry, _couriers, _exempt,
    )  # fmt: skip
    for part in parts:
        part(office)
    return office.register


def _claimants(register: Register) -> None:
    register.claimant("main", {
        "name": "Harrow Bridge Contracting Limited", "customer_number": "204417963", "first_claim": False,
        "bank_account": "01-0902-0068389-00", "bank_account_name": "Harrow Bridge Contracting Limited",
        "address": "7 Mill Street, Harrow Bridge", "phone": "07 555 0142", "email": "office@harrowbridge.example",
        "contact_person": ACTOR, "default_reason_code": 4,
        "default_travel_description": "Stock, logs, lime and farm work on private land, farm and forestry tracks",
    })  # fmt: skip
    register.claimant("small", {
        "name": "Limeworks Lifestyle Block", "customer_number": "", "first_claim": True,
        "bank_account": "08-6523-1954512-001", "bank_account_name": "Limeworks Lifestyle Block",
        "address": "311 Limeworks Road, Limeworks", "phone": "07 555 0177", "email": "block@limeworks.example",
        "contact_person": "T Limeworks", "default_reason_code": 17,
        "default_travel_description": "Feeding out on our own block",
    })  # fmt: skip


def _claimable_and_running(office: Office) -> None:
    meter = office.light("ute-1", "DEMO01", "Farm ute, Quail Gully")
    why = "used up, a newer licence bought, actual readings at both ends, within two years"
    end = office.used_up("ute-1", meter, LIGHT_CENTS, Expected("claimable", CLAIMABLE, USED, why))
    office.next_one("ute-1", meter, end, LIGHT_CENTS, expected=RUNNING)
    office.close("ute-1", meter)


def _no_newer(office: Office) -> None:
    meter = office.light("ute-2", "DEMO02", "Farm ute, Blackwater")
    why = "used up, but nobody bought the next licence (form note 7); what was driven since is without a licence"
    office.used_up(
        "ute-2", meter, LIGHT_CENTS, Expected("no newer licence", ("not_claimable", "ended"), {"EL1": "fail"}, why)
    )
    office.close("ute-2", meter)


def _overlapped(office: Office) -> None:
    register = office.register
    meter = office.light("ute-3", "DEMO03", "Farm ute, Upper Orua")
    start = meter.shown_at(register.start_ms)
    turn = start + OVERLAP_AFTER_KM
    began = register.start_ms
    register.licence("ute-3-1", "ute-3", office.number("ute-3", 1), start, 2, began - 20 * DAY_MS, LIGHT_CENTS)
    bought = register.boundary("ute-3", meter, turn)
    credit = (2 * UNIT_KM - OVERLAP_AFTER_KM) * LIGHT_CENTS // UNIT_KM
    number = office.number("ute-3", 2)
    register.licence("ute-3-2", "ute-3", number, turn, 2, bought, LIGHT_CENTS, credit_cents=credit, overlap=True)
    why = "a licence bought to overlap it ends its range at the newer one's start (rule LI3)"
    expected = Expected("overlapped", CLAIMABLE, {"EL1": "warn", "EL2": "pass"}, why)
    register.expect("ute-3-1", "ute-3", meter, start, turn, (began, bought), expected)
    register.expect("ute-3-2", "ute-3", meter, turn, turn + 2 * UNIT_KM, (bought, register.end_ms), FOLLOWING)
    office.close("ute-3", meter)


def _sold(office: Office) -> None:
    register = office.register
    meter = office.light("ute-4", "DEMO04", "Farm ute, south block, sold")
    start = meter.shown_at(register.start_ms)
    began = register.start_ms
    register.licence("ute-4-1", "ute-4", office.number("ute-4", 1), start, 2, began - 20 * DAY_MS, LIGHT_CENTS)
    at = sale_ms(office.fleet["ute-4"])
    body = {
        "at": instant(at),
        "reading": meter.shown_at(at),
        "kind": "sold",
        "reason": "sold to a dealer",
        "actor": ACTOR,
    }
    register.post("/vehicles/{vehicle:ute-4}/sale", "", body)
    expected = Expected(
        "sold", CLAIMABLE, {"EL1": "pass", "EL5": "warn"}, "sold: the range ends at the sale reading (rule EL5)"
    )
    register.expect("ute-4-1", "ute-4", meter, start, start + 2 * UNIT_KM, (began, at), expected)


def _too_old(office: Office) -> None:
    register = office.register
    meter = office.light("ute-5", "DEMO05", "Old farm runabout, Saddleback")
    units, used_before = 3, 2 * UNIT_KM + 400
    start = meter.shown_at(register.start_ms) - used_before
    issued = register.end_ms - TOO_OLD_DAYS * DAY_MS
    register.reading("ute-5", issued, start, "licence_purchase")
    why = "issued more than two years ago: the claim would come too late, though it was used up only now"
    expected = Expected("too old", ("not_claimable",), {"EL1": "pass", "EL2": "fail"}, why)
    end = office.used_up("ute-5", meter, LIGHT_CENTS, expected, units=units, start=start, issued_ms=issued)
    office.next_one("ute-5", meter, end, LIGHT_CENTS)
    office.close("ute-5", meter)


def _under_twenty(office: Office) -> None:
    meter = office.light("ute-6", "DEMO06", "Lifestyle block ute, Limeworks")
    why = "claimable by itself, but the claimant's whole claim stays under $20 (rule EL3)"
    expected = Expected("under $20", ("claimable",), {"EL1": "pass", "EL3": "warn"}, why)
    end = office.used_up("ute-6", meter, LIGHT_CENTS, expected, claimant="small")
    office.next_one("ute-6", meter, end, LIGHT_CENTS, claimant="small")
    office.close("ute-6", meter)


def _stock_and_trailer(office: Office) -> None:
    register = office.register
    meter = office.heavy("stock-truck", "DEMO07", "Stock truck, 4 axles", 412_300, "14", 25_900)
    expected = Expected("stock truck", CLAIMABLE, USED, "a heavy vehicle at the rate that was paid")
    end = office.used_up("stock-truck", meter, STOCK_CENTS, expected)
    office.next_one("stock-truck", meter, end, STOCK_CENTS)
    office.close("stock-truck", meter)
    windows = tuple(
        (bounds_ms(office.first_day + first)[0] + HOUR_MS, bounds_ms(office.first_day + last)[1] - HOUR_MS)
        for first, last in COUPLED_DAYS
    )
    register.vehicle(
        "stock-trailer", "DEMO7T", "Stock trailer, 4 axles", None, powered=False, ruc_type="43", gross_kg=21_500
    )
    trailer = Meter(meter.track, 98_640.0, 1.002, windows)
    register.recorder("stock-trailer", "stock-trailer", "hubodometer", "HB-07741", register.start_ms - 900 * DAY_MS)
    register.reading("stock-trailer", register.start_ms, trailer.shown_at(register.start_ms))
    for first, last in windows:
        body = {"trailer_id": "@vehicle:stock-trailer", "vehicle_id": "@vehicle:stock-truck", "from": instant(first)}
        register.post("/couplings", "", {**body, "to": instant(last)})
    expected = Expected("trailer", CLAIMABLE, USED, "its own licence, over the metres it was towed (rule VE1)")
    end = office.used_up("stock-trailer", trailer, TRAILER_CENTS, expected)
    office.next_one("stock-trailer", trailer, end, TRAILER_CENTS)
    office.close("stock-trailer", trailer)


def _logging(office: Office) -> None:
    register = office.register
    meter = office.heavy("logging-truck", "DEMO08", "Logging truck, hubodometer read by hand", 655_120, "14", 28_400)
    for day in range(DAYS):
        at = bounds_ms(office.first_day + day)[1] - HOUR_MS
        register.reading("logging-truck", at, meter.shown_at(at), note="read by the driver at the end of the day")
    why = "claimed on paper before this system came: it blocks like a lodged claim (rule LI7)"
    outside = Expected("claimed outside", ("claimed_outside",), {"EL4": "fail"}, why)
    middle = office.used_up("logging-truck", meter, LOGGING_CENTS, outside)
    on = from_ordinal(office.first_day + DAYS - 1)
    body = {"claimed_on": str(on), "reference": "paper form 17", "actor": ACTOR, "reason": "claimed by hand"}
    register.post("/licences/{licence:logging-truck-1}/claimed-outside", "", body)
    why = "two days without the device: those kilometres are unknown, more than a tenth, and are forgone (rule EL6)"
    gap = Expected("coverage gap", CLAIMABLE, {"EL1": "pass", "EL6": "warn"}, why)
    end = office.used_up("logging-truck", meter, LOGGING_CENTS, gap, units=2, start=middle, order=2)
    office.next_one("logging-truck", meter, end, LOGGING_CENTS, order=3)


def _quarry(office: Office) -> None:
    register = office.register
    first_km = 201_450
    meter = office.heavy("quarry-truck", "DEMO09", "Quarry truck, 3 axles", first_km, "6", 22_800)
    changed = bounds_ms(office.first_day + CHANGE_DAY)[0] + 4 * HOUR_MS
    last = meter.shown_at(changed)
    number, issued = office.number("quarry-truck", 1), register.start_ms - 20 * DAY_MS
    register.licence("quarry-truck-1", "quarry-truck", number, first_km, 3, issued, QUARRY_CENTS)
    register.reading("quarry-truck", changed - HOUR_MS, last, note="found unserviceable")
    register.recorder("quarry-truck-new", "quarry-truck", "hubodometer", "HB-30977", changed, replaces="quarry-truck")
    register.reading("quarry-truck-new", changed, 0, "licence_purchase", "new hubodometer")
    number = office.number("quarry-truck", 2)
    register.licence("quarry-truck-2", "quarry-truck-new", number, 0, 3, changed, QUARRY_CENTS)
    renewed = Meter(meter.track, 0.0, 1.0, ((float(changed), float("inf")),))
    register.reading("quarry-truck-new", register.end_ms, renewed.shown_at(register.end_ms))
    why = "the hubodometer was replaced: the old series ends at its last reading (rules VE2, EL1)"
    expected = Expected("recorder changed", CLAIMABLE, {"EL1": "warn", "EL2": "pass"}, why)
    period = (register.start_ms, float(meter.instant_of(last)))
    register.expect("quarry-truck-1", "quarry-truck", meter, first_km, first_km + 3 * UNIT_KM, period, expected)
    after = (float(changed), register.end_ms)
    register.expect("quarry-truck-2", "quarry-truck", renewed, 0, 3 * UNIT_KM, after, FOLLOWING)


def _couriers(office: Office) -> None:
    register = office.register
    meter = office.light("courier-1", "DEMO10", "Courier van, ferry run")
    office.next_one("courier-1", meter, meter.shown_at(register.start_ms), LIGHT_CENTS, 1, units=5, expected=RUNNING)
    office.close("courier-1", meter)
    meter = office.light("courier-2", "DEMO11", "Courier van, northern run")
    start = meter.shown_at(register.start_ms) - 500
    issued = register.start_ms - 40 * DAY_MS
    register.reading("courier-2", issued, start, "licence_purchase")
    why = "never left the road: there is no whole kilometre to claim (rule CL1)"
    expected = Expected("nothing off road", ("not_claimable",), {"EL1": "pass", "CL1": "fail"}, why)
    end = office.used_up("courier-2", meter, LIGHT_CENTS, expected, start=start, issued_ms=issued)
    office.next_one("courier-2", meter, end, LIGHT_CENTS)
    office.close("courier-2", meter)


def _exempt(office: Office) -> None:
    reason = "agricultural tractor (rule VE5)"
    device = office.fleet["tractor"].vehicle.device
    office.register.vehicle("tractor", "DEMO12", "Tractor, Swampy Corner", device, exempt=True, exempt_reason=reason)
