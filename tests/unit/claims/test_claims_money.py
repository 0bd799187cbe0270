"""Rates, estimates, fees, policy files and bank accounts: rules LI5, EL3, EL8, RE3."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.claims.domain.rates import Rate, estimate_cents, fee_cents, rate_of
from services.claims.domain.register.bank import InvalidBankAccount, parse_account, same_name
from services.claims.policy import load
from services.claims.policy.files import InvalidPolicy, parse, texts
from tests.unit.claims.builders import licence, nz

RATES = load().rates


def test_LI5_the_rate_paid_is_gross_over_units_whatever_credit_and_fee_were() -> None:
    # the reduction page's example: two units at 49 with 57 of credit: 41 and the fee were paid
    bought = licence(start=4250, end=6250, gross_cents=9800, credit_cents=5700, fee_cents=1244)
    rate = rate_of(bought, "km", RATES)
    assert rate is not None
    assert (rate.cents, rate.units, rate.source) == (9800, 2, "paid")
    assert rate.dollars_per_1000km == Decimal("49.00")


@pytest.mark.parametrize(
    ("on", "dollars"),
    [
        (date(2019, 7, 1), "72"),
        (date(2020, 6, 30), "72"),
        (date(2022, 4, 20), "76"),
        (date(2022, 4, 21), "49"),
        (date(2023, 1, 31), "49"),
        (date(2023, 2, 1), "76"),
        (date(2023, 3, 1), "49"),
        (date(2023, 6, 30), "49"),
        (date(2023, 7, 1), "76"),
        (date(2026, 3, 1), "76"),
    ],
)
def test_LI5_the_table_rate_goes_by_purchase_date(on: date, dollars: str) -> None:
    rate = rate_of(licence(gross_cents=None, ruc_type="1", gross_kg=3_000, purchased_on=on), "km", RATES)
    assert rate is not None
    assert rate.dollars_per_1000km == Decimal(dollars)
    assert rate.source == "table"


@pytest.mark.parametrize(
    ("ruc_type", "gross_kg", "on"),
    [
        ("1", 15_500, date(2020, 1, 1)),  # only an assessment rate is known
        ("6", 23_000, date(2020, 1, 1)),  # likewise
        ("14", 30_000, date(2026, 1, 1)),
        ("2", 5_000, date(2013, 12, 1)),  # only a weak source
        ("H80", 50_000, date(2022, 6, 1)),  # the reduced value was never found
        ("1", None, date(2026, 1, 1)),  # the weight band is not known
        (None, 3_000, date(2026, 1, 1)),
    ],
)
def test_LI5_an_unknown_rate_stays_unknown(ruc_type: str | None, gross_kg: int | None, on: date) -> None:
    asked = licence(gross_cents=None, ruc_type=ruc_type, gross_kg=gross_kg, purchased_on=on)
    assert rate_of(asked, "km", RATES) is None


def test_LI5_two_rates_that_disagree_price_nothing() -> None:
    asked = licence(gross_cents=None, ruc_type="1", gross_kg=3_000, purchased_on=date(2026, 1, 1))
    (row,) = (one for one in RATES if one.holds("1", 3_000, date(2026, 1, 1)))
    assert rate_of(asked, "km", (row, replace(row, source="another source"))) == row.rate
    for rows in ((row, replace(row, cents_per_unit=7_700)), (replace(row, cents_per_unit=7_700), row)):
        assert rate_of(asked, "km", rows) is None


def test_LI5_assessment_rates_are_in_the_table_and_price_nothing() -> None:
    rows = [row for row in RATES if row.kind == "assessment_only"]
    assert len(rows) == 50
    assert not any(row.prices for row in rows)


def test_LI5_battery_vehicles_of_one_tonne_or_less_have_no_rate() -> None:
    light = licence(gross_cents=None, ruc_type="BEV", gross_kg=1_000, purchased_on=date(2025, 1, 1))
    assert rate_of(light, "km", RATES) is None


@pytest.mark.parametrize(("km", "cents"), [(264, 2006), (263, 1998), (0, 0), (1, 7)])
def test_LI5_the_estimate_is_floored_to_a_cent(km: int, cents: int) -> None:
    assert estimate_cents(km, Rate(cents=7600, units=1, source="table")) == cents


def test_LI5_a_rate_that_is_no_whole_number_of_cents_is_not_rounded_first() -> None:
    rate = Rate(cents=10_000, units=3, source="paid")
    assert estimate_cents(3000, rate) == 10_000
    assert rate.dollars_per_1000km == Decimal("33.3333")


def test_LI5_without_a_rate_there_is_no_estimate() -> None:
    assert estimate_cents(500, None) is None


def test_LI5_fees_are_dated_by_channel() -> None:
    fees = load().fees
    assert fee_cents("online", date(2023, 9, 30), fees) == 480
    assert fee_cents("online", date(2023, 10, 1), fees) == 1244
    assert fee_cents("carrier pigeon", date(2023, 10, 1), fees) is None


def test_the_policy_files_hold_what_the_rules_need() -> None:
    policy = load()
    assert sorted(policy.reason_codes) == list(range(1, 19))
    assert policy.reason_codes[11] == "Forestry & Logging"
    assert policy.rate_rises == (date(2018, 10, 1), date(2019, 7, 1), date(2020, 7, 1))
    assert (policy.minimum_claim_cents, policy.form_rows, policy.late_window_hours) == (2000, 9, 72)
    assert len(policy.name) == 16


def test_no_two_pricing_rates_hold_at_once() -> None:
    rows = [row for row in RATES if row.prices]
    for row in rows:
        weight = row.upto_kg or 10_000
        same = [other for other in rows if other.holds(row.ruc_type, weight, row.from_on)]
        assert same == [row], row


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("rates.csv", "7200,standard", "-1,standard", r"rates.csv line 7: a rate is above 0"),
        ("rates.csv", "7200,standard", "7200,guess", r"rates.csv line 7: 'guess' is no word"),
        ("constants.toml", "value = 2000", 'value = "x"', r"minimum_claim_cents\]: needs a whole number"),
        ("constants.toml", 'confidence = "high"', "", r"needs value, from_on, source and confidence"),
    ],
)
def test_an_odd_policy_file_stops_the_start_and_says_where(name: str, old: str, new: str, message: str) -> None:
    files = dict(texts())
    files[name] = files[name].replace(old, new, 1)
    with pytest.raises(InvalidPolicy, match=message):
        parse(files)


@pytest.mark.parametrize("name", ["rates.csv", "fees.csv", "reason_codes.csv", "rate_rises.csv"])
def test_LI5_a_table_of_another_kind_or_without_a_row_is_no_policy(name: str) -> None:
    header = texts()[name].partition("\n")[0]
    for text, place in (
        ("", "line 1"),
        (header, "line 2"),
        ("a,b", "line 2"),
        ("a,b\n1,2", "line 1: the header lacks"),
    ):
        with pytest.raises(InvalidPolicy, match=f"{name} {place}"):
            parse(texts() | {name: text})


def test_another_policy_has_another_name() -> None:
    files = dict(texts())
    files["constants.toml"] = files["constants.toml"].replace("value = 72", "value = 96")
    assert parse(files).late_window_hours == 96
    assert parse(files).name != load().name


def test_EL8_an_account_in_any_writing_is_sixteen_digits() -> None:
    for text in ("01-0242-0100194-00", "01 0242 0100194 00", "010242010019400", "0102420100194000"):
        account = parse_account(text)
        assert account.digits == "0102420100194000"
        assert account.known_branch


@pytest.mark.parametrize(
    ("text", "reason"),
    [("01-0242-0100195-00", "checksum"), ("01-0242-01001", "length"), ("", "length"), ("01-02a2-0100194-00", "format")],
)
def test_EL8_a_wrong_account_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidBankAccount) as caught:
        parse_account(text)
    assert caught.value.reason == reason


def test_EL8_an_unknown_branch_is_kept_and_marked() -> None:
    account = parse_account("31-9999-0000000-00")
    assert not account.known_branch


def test_RE3_a_masked_account_shows_its_last_digits_only() -> None:
    masked = parse_account("01-0242-0100194-00").masked
    assert masked == "01-****-****194-000"


@pytest.mark.parametrize(
    ("account", "applicant"),
    [
        ("HILL FARMS LTD", "Hill Farms Limited"),
        ("The Hill & Son Co.", "hill and son company"),
        ("O'Brien, J.", "OBrien J"),
        ("Māori Trust", "Maori Trust"),
    ],
)
def test_EL8_names_are_compared_normalised(account: str, applicant: str) -> None:
    assert same_name(account, applicant)


@pytest.mark.parametrize(("account", "applicant"), [("Hill Farms", "Hall Farms"), ("", ""), ("Hill Ltd", "Hill")])
def test_EL8_other_names_do_not_match(account: str, applicant: str) -> None:
    assert not same_name(account, applicant)


def test_LI5_a_mile_licence_is_priced_by_its_units() -> None:
    rate = rate_of(licence(start=0, end=1242, gross_cents=15_200, issued_at=nz(2026, 1, 1)), "mi", RATES)
    assert rate is not None
    assert rate.units == 2
