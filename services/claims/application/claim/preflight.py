"""Attack a claim as an auditor would, before it is lodged or after (rules EL, PA4).  Reads only; nothing is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from services.claims.application.claim.claim_request import ClaimRequest
from services.claims.application.claim.preview_claim import draft_from_ledger
from services.claims.application.peers import Grounds, PeerUnavailable
from services.claims.application.refusals import not_found, purged
from services.claims.application.sealing import Hasher, Sealer, account_key, place
from services.claims.application.statement.assess import Assessed, assess
from services.claims.application.statement.binding import assignment_from_row, waivers_of
from services.claims.application.statement.expected import Earlier, load_earlier, with_expected
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.domain.claim.claim_fields import Applicant
from services.claims.domain.claim.second_application import before_it
from services.claims.domain.policy import Policy
from services.claims.domain.preflight.attacks import attack
from services.claims.domain.preflight.case import Alike, Attack, Case, Ground, Lodged, PlateSpan, Subject
from services.claims.domain.preflight.ground import LOOKED_AT
from services.claims.repo import claim_life, claims, documents, ledger, preflight, retention
from services.claims.repo.claims import LineRow
from services.claims.repo.devices import AssignmentRow
from services.claims.repo.ledger import Window
from services.claims.repo.preflight import AlikeRow
from shared.contracts.claim import FormSnapshot
from shared.contracts.device_day import DeviceDay
from shared.db.pool import Pool, tenant_tx


@dataclass(frozen=True)
class Printed:
    """What the form says of a licence, and the statement it was lodged over."""

    plate: str
    distance_km: int
    lodged_hash: str | None = None
    claim_id: UUID | None = None
    """None where it is only previewed."""


@dataclass(frozen=True)
class Around:
    """Of the register, besides the facts."""

    assignments: Sequence[AssignmentRow]
    alike: Sequence[AlikeRow]
    held: Mapping[UUID, date | None]
    """licence → until when its records are held (rule RE1)."""
    days: Mapping[UUID, tuple[DeviceDay, ...]]
    """licence → its device-days, with those segments that an attack looks at."""


async def preflight_request(
    pool: Pool, tenant: UUID, request: ClaimRequest, policy: Policy, sealer: Sealer, hasher: Hasher, grounds: Grounds,
    now_ms: int,
) -> tuple[Attack, ...]:  # fmt: skip
    """Of what a preview with the same body would show.  Raises Problem 422."""
    facts, drafted = await draft_from_ledger(pool, tenant, request, policy, sealer, hasher, now_ms)
    around = await _load_around(pool, tenant, facts)
    printed = {line.licence_id: Printed(line.plate, line.distance_km) for line in drafted.draft.lines}
    ground = await _ground(grounds, tenant)
    return await asyncio.to_thread(
        _attack, facts, drafted.assessed, printed, drafted.draft.applicant, around, ground, None, policy
    )


async def preflight_claim(
    pool: Pool,
    tenant: UUID,
    claim_id: UUID,
    policy: Policy,
    sealer: Sealer,
    hasher: Hasher,
    grounds: Grounds,
    now_ms: int,
) -> tuple[Attack, ...]:
    """Of a lodged claim, its frozen form against today's evidence.  Raises Problem 404."""
    async with tenant_tx(pool, tenant) as conn:
        row = await claims.claim(conn, tenant, claim_id)
        if row is None:
            raise not_found("claim", claim_id)
        lines = await claims.lines(conn, tenant, claim_id)
        frozen = await documents.snapshot(conn, tenant, claim_id, "form", claim_id)
        steps = await claim_life.steps(conn, tenant, claim_id)
        facts = await load_facts(conn, tenant, [line.licence_id for line in lines], policy, now_ms)
        codes = {line.licence_id: line.reason_code for line in lines}
        earlier = await load_earlier(conn, tenant, facts, policy, now_ms, codes)
    around = await _load_around(pool, tenant, facts)
    if frozen is None:
        raise purged("form")
    form = msgspec.json.decode(sealer.open(frozen.sealed, place(tenant, "snapshot-form", claim_id)), type=FormSnapshot)
    on: dict[str, date] = {step.kind: step.on_day for step in steps}
    lodged = Lodged(on=row.lodged_on, sent_on=on.get("sent"), received_on=on.get("received"))
    ground = await _ground(grounds, tenant)
    return await asyncio.to_thread(
        _attack_lodged,
        claim_id,
        facts,
        earlier,
        lines,
        _applicant(form, row.claimant_id, hasher),
        around,
        ground,
        lodged,
        policy,
    )


def _attack_lodged(
    claim_id: UUID, facts: Facts, earlier: Earlier, lines: list[LineRow], applicant: Applicant, around: Around,
    ground: Ground | None, lodged: Lodged, policy: Policy,
) -> tuple[Attack, ...]:  # fmt: skip
    items = with_expected(facts, assess(facts, policy, applicant.claimant_id), earlier, policy)
    printed = {
        line.licence_id: Printed(line.plate, line.distance_km, line.statement_hash.hex(), claim_id) for line in lines
    }
    return _attack(facts, items, printed, applicant, around, ground, lodged, policy)


def _applicant(form: FormSnapshot, claimant_id: UUID, hasher: Hasher) -> Applicant:
    """As the form was lodged."""
    return Applicant(
        claimant_id=claimant_id, name=form.applicant_name, customer_number=form.customer_number, first_claim=form.first_claim,
        bank_account=form.bank_account, bank_account_name=form.bank_account_name, address=form.address, phone=form.phone,
        email=form.email,
        account_key=account_key(hasher, form.applicant_name, form.bank_account_name, form.bank_account),
    )  # fmt: skip


async def _load_around(pool: Pool, tenant: UUID, facts: Facts) -> Around:
    """The segments of a day are most of it, so they are read licence by licence, and only what is looked at is kept."""
    devices = sorted({span.device for bound in facts.bound for span in bound.period.spans})
    async with tenant_tx(pool, tenant) as conn:
        assignments = await preflight.assignments_of(conn, tenant, devices)
        ids = [bound.row.id for bound in facts.bound]
        alike = await preflight.alike(conn, tenant, ids)
        held = {row.licence_id: row.held_until for row in await retention.retention_of(conn, tenant, ids)}
    days = {}
    for bound in facts.bound:
        windows = [Window(*window) for window in bound.period.device_days]
        async with tenant_tx(pool, tenant) as conn:
            found = await ledger.days_in(conn, tenant, windows)
        days[bound.row.id] = tuple(_looked_at(one.day) for one in found)
    return Around(assignments, alike, held, days)


def _looked_at(day: DeviceDay) -> DeviceDay:
    return msgspec.structs.replace(day, segments=tuple(one for one in day.segments if one.basis in LOOKED_AT))


async def _ground(grounds: Grounds, tenant: UUID) -> Ground | None:
    """None where the classifier is away: what stands on it is answered so, and everything else still is."""
    try:
        return await grounds.ground(tenant)
    except PeerUnavailable:
        return None


def _attack(
    facts: Facts, items: Sequence[Assessed], printed: Mapping[UUID, Printed], applicant: Applicant, around: Around,
    ground: Ground | None, lodged: Lodged | None, policy: Policy,
) -> tuple[Attack, ...]:  # fmt: skip
    case = Case(
        today=facts.today,
        policy=policy,
        subjects=tuple(_subject(facts, item, printed[item.row.id], around) for item in items),
        applicant=applicant,
        waivers=waivers_of(facts.register.waivers, applicant.claimant_id),
        assignments=tuple(assignment_from_row(row) for row in around.assignments),
        ground=ground,
        lodged=lodged,
    )
    return attack(case)


def _subject(facts: Facts, item: Assessed, printed: Printed, around: Around) -> Subject:
    here = {bound.row.id for bound in facts.bound}
    stands = {(one.device, one.day) for one in item.statement.stands_on}
    return Subject(
        licence=item.licence,
        record=item.record,
        statement=item.statement,
        assessment=item.assessment,
        days=tuple(day for day in around.days[item.row.id] if (day.device, day.day) in stands),
        plate=printed.plate,
        distance_km=printed.distance_km,
        lodged_hash=printed.lodged_hash,
        earlier=item.earlier if printed.claim_id is None else before_it(item.earlier, printed.claim_id),
        plates=tuple(
            PlateSpan(row.plate, row.from_at, row.to_at)
            for row in facts.register.plates
            if row.vehicle_id == item.row.vehicle_id
        ),
        waivers=waivers_of(facts.register.waivers, item.row.id),
        looks=item.looks,
        alike=tuple(
            Alike(row.number, claimed=row.claimed or row.other_id in here)
            for row in around.alike
            if row.licence_id == item.row.id
        ),
        held_until=around.held[item.row.id],
        holds=tuple(hold for hold in facts.holds if hold.open and (hold.device, hold.day) in stands),
    )
