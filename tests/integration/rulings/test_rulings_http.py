"""`/v1/land` and `/v1/exclusions`: versions, refusals, keys, and which device-days become due with which hold."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.classifier.application import dirty
from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import Book
from services.classifier.repo import rulings
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.topics import PINGS
from shared.db.pool import Pool, tenant_tx, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.rulings.conftest import ONE, SQUARE, TWO, Api, Caller, land_body
from tests.simulation.district import across_midnight, drive
from tests.simulation.service import Member, decode_sent, outbox_frames

pytestmark = pytest.mark.integration

DAY = to_ordinal(date(2026, 3, 2))
NOON_MS = bounds_ms(DAY)[0] + 43_200_000
UTE = (str(ONE), "ute-1")
POLYGON = land_body()["polygon"]
WRITTEN = "The council closed this road for our quarry in 2025."


async def due(api: Api) -> set[tuple[str, str, int]]:
    """(tenant's last digit, device, day less DAY) of what is due because a ruling changed."""
    async with tx(api.store.worker) as conn:
        rows = await conn.fetch("select tenant_id, device_id, day from classifier.day_due where cause = 'dirty'")
    return {(str(row["tenant_id"])[-1], row["device_id"], row["day"] - DAY) for row in rows}


async def clear(api: Api) -> None:
    async with tx(api.store.worker) as conn:
        await conn.execute("delete from classifier.day_due where cause = 'dirty'")
        await conn.execute("delete from classifier.outbox")


async def test_SU7_declared_land_comes_back_as_sent_and_counts_from_its_first_day(api: Api, one: Caller) -> None:
    await api.store.take(
        across_midnight(UTE, DAY), drive((str(ONE), "ute-2"), NOON_MS, 5), drive((str(TWO), "ute-1"), NOON_MS, 5)
    )
    await clear(api)
    made = await one.post("/land", land_body(address="12 Ridge Road", actor="R Hill", first_on="2026-03-03"))
    assert made["device_days"] == 1
    assert await due(api) == {("1", "ute-1", 1)}
    assert {key: made[key] for key in ("version", "state", "first_on", "last_on", "actor", "warnings")} == {
        "version": 1, "state": "declared", "first_on": "2026-03-03", "last_on": None, "actor": "R Hill", "warnings": [],
    }  # fmt: skip
    assert made["area_ha"] == pytest.approx(378, abs=3)
    ring = made["polygon"]["coordinates"][0]
    assert sorted(map(tuple, ring[:-1])) == sorted(map(tuple, SQUARE[:-1]))
    async with tx(api.store.worker) as conn:
        holds = decode_sent((await outbox_frames(conn)).values()).holds
        book = await rulings.read_book(conn, [str(ONE), str(TWO)])
    assert [(hold.device, hold.day, hold.kind, hold.open) for hold in holds] == [("ute-1", DAY + 1, "dirty", True)]
    assert [land.id for land in book[str(ONE)].lands] == [made["id"]]
    assert set(book) == {str(ONE)}


async def test_SU7_a_correction_is_a_new_version_and_touches_only_what_differs(api: Api, one: Caller) -> None:
    await api.store.take(across_midnight(UTE, DAY))
    made = await one.post("/land", land_body())
    assert await due(api) == {("1", "ute-1", 0), ("1", "ute-1", 1)}
    await clear(api)
    path = f"/land/{made['id']}"
    changed = await one.put(path, land_body(version=1, first_on="2026-03-03", change_reason="leased later"))
    assert (changed["version"], changed["device_days"]) == (2, 1)
    assert await due(api) == {("1", "ute-1", 0)}, "only the day that it no longer counts on"
    await clear(api)
    assert (await one.put(path, land_body(version=1, change_reason="stale"), 409))["current_version"] == 2
    ended = await one.post(f"{path}/end", {"last_on": "2026-03-03", "reason": "sold"}, 200)
    assert (ended["last_on"], ended["device_days"]) == ("2026-03-03", 0)
    gone = await one.post(f"{path}/withdraw", {"reason": "was never ours"}, 200)
    assert (gone["state"], gone["device_days"]) == ("withdrawn", 1)
    assert (await one.post(f"{path}/withdraw", {"reason": "again"}, 200))["version"] == gone["version"]
    whole = await one.get(path)
    assert [(v["version"], v["change_reason"]) for v in whole["versions"]] == [
        (1, ""), (2, "leased later"), (3, "sold"), (4, "was never ours"),
    ]  # fmt: skip
    assert (await one.get(path, version=1))["first_on"] == "2026-03-01"


async def test_SU7_over_a_public_road_only_by_kind_and_written_reason_and_with_a_warning(one: Caller) -> None:
    for changed, pointer in (
        ({"reason": WRITTEN}, "/over_public"),
        ({"kind": "map_error", "reason": "it is wrong"}, "/reason"),
    ):
        refused = await one.post("/land", land_body(over_public=True, **changed), 422)
        assert [error["pointer"] for error in refused["errors"]] == [pointer]
    made = await one.post("/land", land_body(over_public=True, kind="closed_works_site", reason=WRITTEN))
    assert [warning["code"] for warning in made["warnings"]] == ["counts_over_public_road"]
    assert (await one.get(f"/land/{made['id']}"))["warnings"] == made["warnings"]


@pytest.mark.parametrize(
    ("polygon", "pointer", "says"),
    [
        ({"type": "Point", "coordinates": [1, 2]}, "/polygon/type", "Polygon"),
        ({"type": "Polygon", "coordinates": []}, "/polygon/coordinates", "empty"),
        ({"type": "Polygon", "coordinates": [SQUARE[:-1]]}, "/polygon/coordinates/0", "closed"),
        ({"type": "Polygon", "coordinates": [[[y, x] for x, y in SQUARE]]}, "/polygon/coordinates/0/0", "longitude comes first"),
        ({"type": "Polygon", "coordinates": [[SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]]}, "/polygon/coordinates", "not valid"),
        ({"type": "Polygon", "coordinates": [[[170, -40], [175, -40], [175, -41], [170, -40]]]}, "/polygon/coordinates", "two degrees"),
        ({"type": "Polygon", "coordinates": [[[170, "x"]] * 5]}, "/polygon/coordinates/0/0", "numbers"),
        ({"type": "Polygon", "coordinates": [[[170 + i * 1e-6, -40.0] for i in range(5_001)]]}, "/polygon/coordinates", "5000"),
    ],
)  # fmt: skip
async def test_SU7_a_polygon_that_is_none_is_refused_with_its_place(
    one: Caller, polygon: dict[str, Any], pointer: str, says: str
) -> None:
    refused = await one.post("/land", land_body(polygon=polygon), 422)
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert says in refused["errors"][0]["detail"]


async def test_a_device_is_excluded_confirmed_and_counted_again(api: Api, one: Caller) -> None:
    await api.store.take(across_midnight(UTE, DAY), drive((str(ONE), "ute-2"), NOON_MS, 5))
    await clear(api)
    start = bounds_ms(DAY + 1)[0]
    asked = {"device": "ute-1", "from_at": "2026-03-03T00:01:00+13:00", "to_at": "2026-03-03T00:02:00+13:00",
             "reason": "jammed receiver", "state": "proposed"}  # fmt: skip
    made = await one.post("/exclusions", asked)
    assert (made["state"], made["device_days"], await due(api)) == ("proposed", 0, set())
    path = f"/exclusions/{made['id']}"
    confirmed = await one.post(f"{path}/confirm", {"reason": "seen on the map", "actor": "R Hill"}, 200)
    assert (confirmed["state"], confirmed["device_days"]) == ("active", 2)
    assert await due(api) == {("1", "ute-1", 0), ("1", "ute-1", 1)}, "a minute from midnight touches both days"
    async with tx(api.store.worker) as conn:
        (found,) = (await rulings.read_book(conn, [str(ONE)]))[str(ONE)].exclusions
    assert (found.device, found.from_ms - start, found.to_ms - start, found.wkb) == ("ute-1", 60_000, 120_000, b"")
    await clear(api)
    lifted = await one.post(f"{path}/lift", {"reason": "was fine after all"}, 200)
    assert (lifted["state"], len(await due(api))) == ("lifted", 2)
    assert (await one.post(f"{path}/confirm", {"reason": "again"}, 409))["code"] == "wrong_state"
    assert [v["state"] for v in (await one.get(path))["versions"]] == ["proposed", "active", "lifted"]


async def test_SU4_a_place_is_excluded_for_every_device_until_lifted(api: Api, one: Caller) -> None:
    await api.store.take(across_midnight(UTE, DAY), drive((str(ONE), "ute-2"), NOON_MS, 5))
    await clear(api)
    asked = {"from_at": "2026-03-02", "polygon": POLYGON, "reason": "a road that the map lacks"}
    made = await one.post("/exclusions", asked)
    assert (made["device"], made["to_at"], made["device_days"]) == (None, None, 3)
    for wrong, pointer in (
        ({"polygon": None}, "/device"),
        ({"polygon": None, "device": "ute-1"}, "/to_at"),
        ({"to_at": "2026-03-01"}, "/to_at"),
    ):
        refused = await one.post("/exclusions", asked | wrong, 422)
        assert [error["pointer"] for error in refused["errors"]] == [pointer]


async def test_the_same_idempotency_key_declares_once(api: Api, one: Caller) -> None:
    first = await one.post("/land", land_body(), **{"Idempotency-Key": "k1"})
    again = await one.post("/land", land_body(), **{"Idempotency-Key": "k1"})
    assert again == first
    assert (await one.post("/land", land_body(name="Other"), 409, **{"Idempotency-Key": "k1"}))[
        "code"
    ] == "idempotency_key_reused"
    assert len((await one.get("/land"))["items"]) == 1


async def test_lists_go_by_cursor_and_filter(one: Caller) -> None:
    names = [f"Block {i}" for i in range(5)]
    for name in names:
        await one.post("/land", land_body(name=name, last_on="2026-04-01" if name == "Block 3" else None))
    page = await one.get("/land", limit=2)
    seen = [item["name"] for item in page["items"]]
    while page["next_cursor"]:
        page = await one.get("/land", limit=2, cursor=page["next_cursor"])
        seen += [item["name"] for item in page["items"]]
    assert seen == names
    assert len((await one.get("/land", on="2026-05-01"))["items"]) == 4
    assert (await one.get("/land", state="withdrawn"))["items"] == []
    assert (await one.get("/land", 400, cursor="!"))["code"] == "cursor_invalid"


async def test_G6_another_tenant_sees_and_changes_nothing(api: Api, one: Caller, two: Caller) -> None:
    land = await one.post("/land", land_body())
    asked = {"device": "ute-1", "from_at": "2026-03-02", "to_at": "2026-03-03", "reason": "jammed"}
    exclusion = await one.post("/exclusions", asked)
    told = {"reason": "not mine"}
    for answer in (
        await two.get(f"/land/{land['id']}", 404),
        await two.get(f"/exclusions/{exclusion['id']}", 404),
        await two.put(f"/land/{land['id']}", land_body(version=1, change_reason="x x x"), 404),
        await two.post(f"/land/{land['id']}/end", {"last_on": "2026-04-01", **told}, 404),
        await two.post(f"/land/{land['id']}/withdraw", told, 404),
        await two.post(f"/exclusions/{exclusion['id']}/confirm", told, 404),
        await two.post(f"/exclusions/{exclusion['id']}/lift", told, 404),
    ):
        assert answer["code"] == "not_found"
    assert (await two.get("/land"))["items"] == (await two.get("/exclusions"))["items"] == []
    assert (await one.get(f"/land/{land['id']}"))["version"] == 1


TABLES = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
where c.relnamespace = 'classifier'::regnamespace and c.relkind in ('r', 'p')"""
EMPTY = {"fix_chunk", "retention_hold", "road_set_sweep"}
"""What nothing here puts rows into: compaction, claims' holds and sweeps have tests of their own."""


async def seen(pool: Pool, table: str, tenant: UUID | None) -> int | None:
    """Rows that the API's role sees; None where it may not read at all."""
    try:
        if tenant is None:
            async with tx(pool) as conn:
                return await conn.fetchval(f"select count(*) from classifier.{table}")
        async with tenant_tx(pool, tenant) as conn:
            return await conn.fetchval(f"select count(*) from classifier.{table}")
    except asyncpg.InsufficientPrivilegeError:
        return None


async def test_G6_a_query_without_where_sees_only_the_own_tenant_in_every_table(
    api: Api, one: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty, "ROWS_PER_REQUEST", 1)
    await api.store.take(across_midnight(UTE, DAY))
    await one.post("/land", land_body(), **{"Idempotency-Key": "k"})
    await one.post("/exclusions", {"device": "d", "from_at": "2026-03-02", "to_at": "2026-03-03", "reason": "jammed"})
    conn = await asyncpg.connect(api.store.database.superuser)
    try:
        tables = [row["relname"] for row in await conn.fetch(TABLES)]
        there = {
            table: await conn.fetchval(f"select count(*) from classifier.{table} where tenant_id = $1", ONE)
            for table in tables
        }
    finally:
        await conn.close()
    assert {table for table, count in there.items() if not count} == EMPTY
    for table, count in there.items():
        own = await seen(api.store.api, table, ONE)
        if own is None:
            continue
        assert own == count, table
        assert await seen(api.store.api, table, TWO) == 0, table
        assert await seen(api.store.api, table, None) == 0, table
    for table in ("land_version", "exclusion_version", "recompute_waiting"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(api.store.api, TWO) as conn:
                await conn.execute(
                    f"insert into classifier.{table} select (jsonb_populate_record(null::classifier.{table}, $1::jsonb)).*",
                    f'{{"tenant_id": "{ONE}"}}',
                )


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (("land:read",), "GET", "/land", 200),
        (("land:read",), "POST", "/land", 403),
        (("land:write",), "GET", "/land", 403),
        (("land:write",), "POST", "/exclusions", 403),
        (("exclusions:write",), "POST", "/land", 403),
        (("tracks:read",), "GET", "/exclusions", 403),
    ],
)
async def test_each_scope_opens_its_own_routes(
    api: Api, scopes: tuple[str, ...], method: str, path: str, status: int
) -> None:
    caller = await api.caller(ONE, *scopes)
    await caller.send(method, path, land_body() if method == "POST" else None, status)


async def test_without_a_key_nothing_is_told(api: Api) -> None:
    caller = await api.caller(ONE)
    caller.client.headers.pop("authorization")
    for path in ("/land", "/exclusions", f"/land/{UUID(int=5)}"):
        await caller.get(path, 401)


async def test_more_device_days_than_one_transaction_takes_become_due_soon_after(
    api: Api, one: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dirty, "ROWS_PER_REQUEST", 3)
    devices = [f"ute-{i}" for i in range(5)]
    await api.store.take(*(across_midnight((str(ONE), device), DAY) for device in devices))
    await clear(api)
    made = await one.post("/land", land_body())
    assert made["device_days"] == 10
    assert len(await due(api)) == 3
    steps = 0
    while await dirty.ask_on(api.store.worker):
        steps += 1
    assert await due(api) == {("1", device, day) for device in devices for day in (0, 1)}
    assert steps >= 3


async def test_SU7_a_ruling_that_comes_while_a_round_is_computed_is_heeded_by_that_round(api: Api, one: Caller) -> None:
    loop = asyncio.get_running_loop()
    declared: list[dict[str, Any]] = []

    def kernel(fixes: Pings, wanted: Any, roads: Any, book: Book) -> Any:
        if not declared:  # the kernel runs in a thread, while the event loop is free
            declared.append(asyncio.run_coroutine_threadsafe(one.post("/land", land_body()), loop).result(20))
        return classify_days(fixes, wanted, roads, book=book)

    store = api.store
    member = Member(store.log, store.worker, store.district, cache_rows_max=1_000_000, kernel=kernel)
    store.log.append(PINGS.name, partition_of(*UTE), pings.encode_pings(drive(UTE, NOON_MS, 13)))
    await member.round()
    assert declared[0]["device_days"] == 0, "nothing of that day was in evidence yet"
    async with tx(store.worker) as conn:
        assert await outbox_frames(conn) == {}, "what was computed without it is not committed"
    await member.round()
    async with tx(store.worker) as conn:
        (revision,) = decode_sent((await outbox_frames(conn)).values()).revisions
        known = await rulings.named_rulings(conn, str(ONE), "ute-1", DAY, 150_000, revision.land)
    assert known is not None
    assert [land.id for land in known.lands] == [declared[0]["id"]]
