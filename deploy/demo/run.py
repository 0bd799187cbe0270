"""The main job, step by step, as a fleet portal would do it: through the public APIs only."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from deploy.demo import register, show
from deploy.demo.client import ClaimsClient, Json
from deploy.demo.job import Job
from deploy.demo.problems import DemoProblem
from deploy.demo.verdict import (
    OVER_CLAIM_MAX_PERCENT,
    Outcome,
    accuracy,
    closure_faults,
    situation_faults,
    worst,
)
from deploy.embedded.children import write_private
from deploy.embedded.info import StackInfo
from services.claims.cli import create_tenant
from services.claims.cli import issue_key as issue_claims_key
from services.classifier.roads.build import build
from services.ingest.adapters.replay import Replayed, replay
from services.ingest.cli import issue_key as issue_ingest_key
from shared.clock import system_clock

WATERMARK_WAIT_S: Final = 180.0
DOWNLOADS_AT_ONCE: Final = 3
CLAIMS_SCOPES: Final = ("claims:read", "claims:write")


@dataclass(frozen=True)
class Access:
    """The demo tenant's own keys, kept in the data folder so that a second run is the same tenant."""

    tenant_id: str
    ingest_key: str
    claims_key: str


def access(info: StackInfo, job: Job) -> Access:
    """The tenant of this job and its keys; made at the first run."""
    path = Path(info.data_dir) / "demo" / f"{hashlib.sha256(job.tenant.encode()).hexdigest()[:12]}.json"
    if path.exists():
        return Access(**json.loads(path.read_text()))

    async def make() -> Access:
        tenant: UUID = await create_tenant(info.dsns["claims"]["worker"], job.tenant)
        return Access(
            str(tenant),
            await issue_ingest_key(info.dsns["ingest"]["worker"], tenant, "demo"),
            await issue_claims_key(info.dsns["claims"]["worker"], tenant, "demo", CLAIMS_SCOPES),
        )

    made = asyncio.run(make())
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(path, json.dumps(made.__dict__))
    return made


def install_roads(data_dir: Path, job: Job, console: Console) -> None:
    """Build the job's data set where the classifier looks, before it starts: the one built last is in use."""
    folder = data_dir / "roads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with console.status("building the road data set"):
        made = build([job.roads], folder, job.coverage)
    console.print(
        f"roads {made.name}: {made.meta.public_km:,.0f} km public, {made.meta.private_km:,.0f} km private, "
        f"{made.meta.unknown_km:,.0f} km of unknown owner"
    )
    for warning in made.meta.warnings:
        console.print(f"  [yellow]warning:[/] {warning}", soft_wrap=True)


@contextmanager
def bar(console: Console, title: str, total: int) -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description:<28}"), BarColumn(32), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield progress, progress.add_task(title, total=total)


def stream(info: StackInfo, job: Job, key: str, console: Console, rows: int) -> int:
    """Every ping over HTTP, in the file's order; returns the instant (ms) after which nothing more was sent."""
    with bar(console, "streaming pings", rows) as (progress, task):
        sent = asyncio.run(
            replay(job.pings, info.urls["ingest"], key, progress=lambda now: progress.update(task, completed=now.lines))
        )
    console.print(f"  {sent.accepted:,} pings accepted, {sent.refused:,} refused{_by_code(sent)}")
    return system_clock()


def _by_code(sent: Replayed) -> str:
    return (
        f" ({', '.join(f'{code}: {count:,}' for code, count in sorted(sent.reasons.items()))})" if sent.reasons else ""
    )


def wait_for_watermark(client: ClaimsClient, after_ms: int, console: Console) -> None:
    """Until the ledger is complete through the instant after the last ping.  Raises DemoProblem when it does not come."""
    from datetime import datetime

    give_up = time.monotonic() + WATERMARK_WAIT_S
    with console.status("waiting until the ledger is complete (the watermark)"):
        while time.monotonic() < give_up:
            through = client.get("/progress")["complete_through"]
            if through is not None and datetime.fromisoformat(through).timestamp() * 1000 >= after_ms:
                return
            time.sleep(0.5)
    raise DemoProblem(
        f"the ledger did not become complete within {WATERMARK_WAIT_S:.0f} s (complete through {through})"
    )


def lodge(client: ClaimsClient, job: Job, claimant_ids: list[str], console: Console) -> tuple[list[Json], set[str]]:
    """Preview everything claimable of each claimant and lodge what can be lodged.

    Returns the tenant's claims, and the rules for which a claim as a whole was refused."""
    refused: set[str] = set()
    for claimant in claimant_ids:
        verify(client, job, claimant)
        body = {"claimant_id": claimant, "filter": {"state": "claimable"}, "person_completing": job.person_completing}
        answer = client.send("POST", "/claims/preview", body)
        if not answer.is_success:
            raise DemoProblem(f"POST /claims/preview answered {answer.status_code}: {answer.text[:800]}")
        preview: Json = answer.json()
        if not preview["lines"]:
            continue
        if not preview["lodgeable"]:
            against = [f for f in preview["findings"] if f["outcome"] in {"fail", "unknown"}]
            refused |= {f["rule"] for f in against}
            against += [f for line in preview["lines"] for f in line["findings"] if f["outcome"] == "fail"]
            said = "; ".join(f"{f['rule']}: {f['reason']}" for f in against)
            totals = preview["totals"]
            console.print(
                f"  not lodged: {totals['licences']} licence(s), {totals['claimable_km']} km, "
                f"{show.dollars(totals['estimate_cents'])} – {said}",
            )
            continue
        answer = client.send("POST", "/claims", {"preview_token": preview["preview_token"]})
        if not answer.is_success:
            raise DemoProblem(f"POST /claims answered {answer.status_code}: {answer.text[:800]}")
        claim: Json = answer.json()
        console.print(
            f"  [bold green]lodged {claim['number']}[/]: {claim['totals']['licences']} licences, "
            f"{claim['totals']['claimable_km']} km, {show.dollars(claim['totals']['estimate_cents'])}",
        )
    return list(client.every("/claims")), refused


def verify(client: ClaimsClient, job: Job, claimant: str) -> None:
    """Rule CL2: the person who completes the claim answers for each licence's statement, in the words that are shown."""
    for licence in client.every(f"/licences?state=claimable&claimant_id={claimant}"):
        asked = client.get(f"/licences/{licence['id']}/verification")
        body = {"actor": job.person_completing, "statement_hash": asked["statement_hash"], "wording": asked["wording"]}
        client.send("POST", f"/licences/{licence['id']}/verification", body).raise_for_status()


def write_documents(
    client: ClaimsClient, out: Path, claims: list[Json], licences: list[Json], console: Console
) -> None:
    """The form of every claim and the report of every licence into `out`, a few at a time."""
    out.mkdir(parents=True, exist_ok=True)
    wanted = [(f"form-{claim['number']}.pdf", f"/claims/{claim['id']}/form.pdf") for claim in claims]
    for licence in licences:
        name = "".join(c if c.isalnum() else "-" for c in f"{licence['plate']}-{licence['number']}")
        wanted.append((f"report-{name}.pdf", f"/licences/{licence['id']}/report.pdf"))
    with (
        bar(console, "forms and reports", len(wanted)) as (progress, task),
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        for (name, _), body in zip(wanted, pool.map(client.download, [path for _, path in wanted]), strict=True):
            (out / name).write_bytes(body)
            progress.advance(task)


def outcome_of(licence: Json, statement: Json, eligibility: Json) -> Outcome:
    by_rule: dict[str, list[str]] = {}
    for finding in eligibility["findings"]:
        by_rule.setdefault(finding["rule"], []).append(finding["outcome"])
    totals = statement["totals"]
    return Outcome(
        ref=str(licence["ref"]),
        number=str(licence["number"]),
        state=str(licence["state"]),
        findings={rule: worst(found) for rule, found in by_rule.items()},
        public_mm=totals["public_mm"],
        off_road_mm=totals["off_road_mm"],
        unknown_mm=totals["unknown_mm"],
        recorder_mm=statement["recorder_mm"],
        claimable_km=statement["claimable_km"],
    )


def judge(job: Job, outcomes: list[Outcome], console: Console) -> list[str]:
    """Prints estimate against truth; returns a sentence for everything that is not as documented."""
    faults = situation_faults(job.expectations, {o.ref: o for o in outcomes}) + closure_faults(outcomes)
    if job.truth:
        estimated: dict[str, int] = {}
        true: dict[str, int] = {}
        for outcome in outcomes:
            known = job.truth.get(outcome.ref)
            if known is not None:
                estimated[known.device] = estimated.get(known.device, 0) + outcome.off_road_mm
                true[known.device] = true.get(known.device, 0) + known.off_road_mm
        found = accuracy(estimated, true)
        console.print(show.accuracy_line(found))
        if job.expectations and found.over_percent > OVER_CLAIM_MAX_PERCENT:
            faults.append(f"the over-claim of {found.over_percent:.3f} % is above {OVER_CLAIM_MAX_PERCENT} %")
    return faults


def totals_digest(outcomes: list[Outcome]) -> str:
    """One line that is the same when, and only when, every licence's millimetres are the same."""
    rows = sorted((o.number, o.public_mm, o.off_road_mm, o.unknown_mm, o.claimable_km) for o in outcomes)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def run(info: StackInfo, job: Job, out: Path, console: Console) -> int:
    """The whole job on a running stack; 0 when everything came out as documented, 1 with the reasons otherwise."""
    keys = access(info, job)
    client = ClaimsClient(info.urls["claims"], keys.claims_key)
    try:
        with bar(console, "register", len(job.posts)) as (progress, task):
            ids = register.apply(client, job.posts, lambda: progress.advance(task))
        sent_ms = stream(info, job, keys.ingest_key, console, count_rows(job.pings))
        wait_for_watermark(client, sent_ms, console)
        licences = list(client.every("/licences?limit=500"))
        statements = {one["id"]: client.get(f"/licences/{one['id']}/statement") for one in licences}
        eligibilities = {one["id"]: client.get(f"/licences/{one['id']}/eligibility") for one in licences}
        console.print(
            show.licence_table([(o, statements[o["id"]], job.labels.get(str(o["ref"]), "")) for o in licences])
        )
        show.reasons(console, [(o, eligibilities[o["id"]]) for o in licences])
        console.print("\n[bold]Claims[/]")
        claimants = [ids[post.name] for post in job.posts if post.path == "/claimants"]
        claims, refused = lodge(client, job, claimants, console)
        write_documents(client, out, claims, licences, console)
        states = {one["id"]: one["state"] for one in client.every("/licences?limit=500")}
        outcomes = [
            outcome_of(one | {"state": states[one["id"]]}, statements[one["id"]], eligibilities[one["id"]])
            for one in licences
        ]
        faults = judge(job, outcomes, console)
        missed = job.refused_claim_rules - refused
        faults += [
            f"no claim was refused as a whole by rule {rule}, as one should have been" for rule in sorted(missed)
        ]
        console.print(f"claims: {len(claims)} · licences: {len(licences)} · totals {totals_digest(outcomes)}")
    finally:
        client.close()
    console.print(f"documents: {out.resolve()}", soft_wrap=True)
    for fault in faults:
        console.print(f"[red]not as documented:[/] {fault}")
    return 1 if faults else 0


def count_rows(path: Path) -> int:
    """Lines of an .ndjson or .ndjson.gz file."""
    from shared.contracts.neutral import read_chunks

    return sum(chunk.count(b"\n") for chunk in read_chunks(path))
