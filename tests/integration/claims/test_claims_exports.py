"""Exports read back by two other programs, and held against statements and the form to the millimetre (rules CL8, CL9)."""

import io
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import openpyxl
import polars as pl
import pytest

from services.claims.application.claim.frozen import sealed_claim
from services.claims.wiring import make_app
from shared.contracts.claim import Track
from shared.db.pool import tenant_tx
from shared.nz_days import bounds_ms
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
SURFACES = ("public", "off_road", "unknown", "carried", "uncovered")


class Drawn:
    """A classifier that draws a line a day and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []

    async def tracks(
        self, _tenant: UUID, device: str, from_ms: int, until_ms: int
    ) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        self.asked.append((device, from_ms, until_ms))
        line = Track(surface="off_road", points=((175.0, -41.0), (175.001, -41.001)))
        return (line, Track(surface="unknown", points=((175.0, -41.0),))), (line,)


@pytest.fixture
def drawing(claims: Claims) -> tuple[Claims, Drawn]:
    drawn = Drawn()
    context = replace(claims.context, classifier=drawn)  # type: ignore[arg-type]  # only draws
    return replace(claims, context=context, app=make_app(context)), drawn


async def fetch(fleet: Fleet, path: str, media_type: str) -> bytes:
    answer = await fleet.client.get(f"/v1{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    again = await fleet.client.get(f"/v1{path}")
    assert again.content == answer.content, "the same export twice is the same file"
    return answer.content


def rows(content: bytes, sheet: str) -> list[dict[str, Any]]:
    header, *found = openpyxl.load_workbook(io.BytesIO(content))[sheet].iter_rows(values_only=True)
    return [dict(zip([str(name) for name in header], row, strict=True)) for row in found]


def mm(value: Any) -> int:
    """Exactly: a float of kilometres holds the millimetres of any licence."""
    return round(float(value) * KM)


XLSX = "application/vnd.openxmlformats"


async def test_CL8_the_report_of_a_licence_in_any_state_as_a_spreadsheet(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable(number="=RUC 1")
    statement = await fleet.get(f"/licences/{licence}/statement")
    content = await fetch(fleet, f"/licences/{licence}/report.xlsx", XLSX)
    about = {one["what"]: one["value"] for one in rows(content, "Licence")}
    assert (about["claim"], about["state"], about["licence"]) == ("NOT CLAIMED", "claimable", "=RUC 1")
    *days, rest, total = rows(content, "Days")
    for row, told in zip(days, statement["days"], strict=True):
        assert row["day"].date().isoformat() == told["day"]
        assert {name: mm(row[f"{name}_km"]) for name in SURFACES} == {name: told[f"{name}_mm"] for name in SURFACES}
        assert mm(row["private_road_km"]) == told["off_road_by_basis"]["private_road"]
    for name in SURFACES:
        assert mm(total[f"{name}_km"]) == statement["totals"][f"{name}_mm"]
        assert sum(mm(row[f"{name}_km"]) for row in (*days, rest)) == statement["totals"][f"{name}_mm"]
    assert about["claimable km (whole)"] == statement["claimable_km"]
    findings = {one["rule"]: one["outcome"] for one in rows(content, "Findings")}
    assert findings["EL7"] == "unknown"
    running = fleet.licences["=RUC 1 next"]
    about = {
        one["what"]: one["value"]
        for one in rows(await fetch(fleet, f"/licences/{running}/report.xlsx", XLSX), "Licence")
    }
    assert (about["claim"], about["state"], about["first day"]) == ("NOT CLAIMED", "running", None)

    claim = await lodge(fleet, licence)
    await shrink(fleet)
    lodged = await fetch(fleet, f"/licences/{licence}/report.xlsx", XLSX)
    about = {one["what"]: one["value"] for one in rows(lodged, "Licence")}
    assert (about["claim"], about["state"]) == (claim["number"], "lodged")
    assert rows(lodged, "Days") == rows(content, "Days"), "as lodged, whatever came later"


async def lodge(fleet: Fleet, *licences: str) -> dict[str, Any]:
    preview = await fleet.preview(licences)
    return await fleet.post("/claims", {"preview_token": preview["preview_token"]})


async def shrink(fleet: Fleet) -> None:
    """Evidence that comes after lodging."""
    await put_days(
        fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=2, public_mm=70 * KM, off_road_mm=0)]
    )


async def test_CL9_a_claims_export_is_its_frozen_numbers_and_sums_to_the_form(claims: Claims, fleet: Fleet) -> None:
    one = await fleet.claimable("ABC123", "imei-1", "RUC 1")
    two = await fleet.claimable("XYZ9", "imei-2", "+RUC 2")
    statements = {licence: await fleet.get(f"/licences/{licence}/statement") for licence in (one, two)}
    claim = await lodge(fleet, one, two)
    await shrink(fleet)
    path = f"/claims/{claim['id']}/export"
    content = await fetch(fleet, f"{path}.xlsx", XLSX)
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        sealed = await sealed_claim(conn, fleet.tenant, UUID(claim["id"]))
    form = sealed.open(claims.context.sealer, fleet.tenant).form

    *lines, total = rows(content, "Licences")
    assert [(row["licence"], row["claimed_km"]) for row in lines] == [
        (f.licence_number, f.distance_km) for f in form.lines
    ]
    assert total["claimed_km"] == sum(f.distance_km for f in form.lines) == claim["totals"]["claimable_km"]
    assert round(total["estimate"] * 100) == claim["totals"]["estimate_cents"]
    told = {
        line["number"]: (line["statement_hash"], line["distance_km"], line["off_road_mm"]) for line in claim["lines"]
    }
    assert {r["licence"]: (r["statement"], r["claimed_km"], mm(r["off_road_km"])) for r in lines} == told
    for licence, number in ((one, "RUC 1"), (two, "+RUC 2")):
        statement = statements[licence]
        (line,) = [row for row in lines if row["licence"] == number]
        totals = statement["totals"]
        assert {name: mm(line[f"{name}_km"]) for name in SURFACES} == {name: totals[f"{name}_mm"] for name in SURFACES}
        assert line["claimable_percent"] == totals["off_road_mm"] * 10_000 // totals["total_mm"] / 100
        days = [row for row in rows(content, "Days") if row["licence"] == number and isinstance(row["day"], datetime)]
        assert [(d["day"].date().isoformat(), mm(d["off_road_km"])) for d in days] == [
            (d["day"], d["off_road_mm"]) for d in statement["days"]
        ]
    about = {row["what"]: row["value"] for row in rows(content, "Claim")}
    assert (about["claim"], about["claimed km"], about["lodged on"].date()) == (
        "RUCOR-000001",
        1120,
        date(2026, 11, 22),
    )
    assert b"0102420100194" not in content, "RE3: no account but on the form"


async def test_CL9_the_flat_table_says_the_same_to_polars(claims: Claims, fleet: Fleet) -> None:
    one = await fleet.claimable("ABC123", "imei-1", "RUC 1")
    two = await fleet.claimable("XYZ9", "imei-2", "+RUC 2")
    claim = await lodge(fleet, one, two)
    await shrink(fleet)
    flat = pl.read_csv(
        io.BytesIO(await fetch(fleet, f"/claims/{claim['id']}/export.csv", "text/csv")), infer_schema=False
    )
    kms = [column for column in flat.columns if column.endswith("_km") and column != "claimed_km"]
    exact = flat.with_columns(pl.col(kms).cast(pl.Decimal(20, 6)))
    whole = exact.filter(pl.col("row") == "claim")
    licences = exact.filter(pl.col("row") == "licence")
    parts = exact.filter(pl.col("row").is_in(["day", "no_day"]))
    assert (licences.height, parts.height) == (2, 2 * (TRAVEL_DAYS + 1))
    for column in kms:
        assert licences[column].sum() == whole[column].item(), column
        assert parts[column].sum() == whole[column].item(), column
    assert int(whole["off_road_km"].item() * KM) == claim["totals"]["off_road_mm"]
    assert (
        licences["claimed_km"].cast(pl.Int64).sum()
        == int(whole["claimed_km"].item())
        == claim["totals"]["claimable_km"]
    )
    assert Decimal(whole["estimate"].item()) * 100 == claim["totals"]["estimate_cents"]
    assert licences["licence"].to_list() == ["RUC 1", "'+RUC 2"], "no formula"
    sheet = pl.read_excel(
        io.BytesIO(await fetch(fleet, f"/claims/{claim['id']}/export.xlsx", XLSX)),
        sheet_name="Licences",
        engine="calamine",
    )
    assert [mm(value) for value in sheet["off_road_km"].to_list()[:-1]] == [
        line["off_road_mm"] for line in claim["lines"]
    ]


async def test_CL8_the_tracks_are_of_the_licences_devices_and_time_only(
    drawing: tuple[Claims, Drawn],
) -> None:
    claims, drawn = drawing
    fleet = await claims.fleet("Hill Farms")
    licence = await fleet.claimable()
    await fleet.claimable("XYZ9", "imei-2", "RUC 2")
    content = await fetch(fleet, f"/licences/{licence}/report.geojson", "application/geo+json")
    found = (
        pl.Series([content])
        .cast(pl.String)
        .str.json_decode(pl.Struct({"type": pl.String, "about": pl.Struct({"claim": pl.String, "state": pl.String})}))[
            0
        ]
    )
    assert found == {"type": "FeatureCollection", "about": {"claim": "NOT CLAIMED", "state": "claimable"}}
    answer = (await fleet.client.get(f"/v1/licences/{licence}/report.geojson")).json()
    (feature,) = answer["features"]
    assert feature["geometry"] == {"type": "LineString", "coordinates": [[175.0, -41.0], [175.001, -41.001]]}
    assert feature["properties"]["claim"] == "NOT CLAIMED"
    start, end = 1_790_794_800_000, bounds_ms(FIRST_DAY + TRAVEL_DAYS - 1)[1]
    assert set(drawn.asked) == {("imei-1", start, end)}, "from the first reading's instant to the last day's end"
    running = fleet.licences["RUC 0001 next"]
    empty = (await fleet.client.get(f"/v1/licences/{running}/report.geojson")).json()
    assert (empty["features"], empty["about"]["state"]) == ([], "running")


async def test_exports_of_another_tenant_are_not_there(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    claim = (await lodge(fleet, licence))["id"]
    other = await claims.fleet("Other")
    for path in (
        f"/licences/{licence}/report.xlsx",
        f"/licences/{licence}/report.geojson",
        f"/claims/{claim}/export.csv",
        f"/claims/{claim}/export.xlsx",
    ):
        assert (await other.client.get(f"/v1{path}")).status_code == 404, path
    away = await fleet.client.get(f"/v1/licences/{licence}/report.geojson")
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
