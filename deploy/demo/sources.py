"""Where a job comes from: the generated sample, or roads and pings of one's own."""

import csv
import json
from datetime import date
from pathlib import Path

from deploy.demo import own_data
from deploy.demo.job import Job, Truth
from deploy.demo.problems import DemoProblem
from deploy.demo.register import Post
from deploy.demo.sample.generate import default_until, generate, made_before
from deploy.demo.verdict import Expectation
from shared.clock import system_clock


def sample_job(data_dir: Path, until: date | None) -> Job:
    """The sample fleet.  Made once and kept in the data folder, so that every later run is about the same fortnight."""
    folder = data_dir / "sample"
    made = made_before(folder)
    if made is None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        generate(folder, until or default_until(system_clock()))
    elif until is not None and made[0] != until:
        raise DemoProblem(f"{folder} holds the fortnight until {made[0]}: use another --data-dir for {until}")
    document = json.loads((folder / "register.json").read_text(encoding="utf-8"))
    return Job(
        title=f"Sample fleet of twelve, fortnight until {document['until']}",
        tenant=document["tenant"],
        roads=folder / "district.osm",
        coverage=folder / "coverage.geojson",
        pings=folder / "pings.ndjson.gz",
        posts=[Post(**post) for post in document["posts"]],
        person_completing=document["person_completing"],
        expectations=[
            Expectation(one["situation"], one["licence"], frozenset(one["states"]), one["findings"])
            for one in document["expect"]
        ],
        truth={one["licence"]: Truth(one["vehicle"], one["true_off_mm"]) for one in document["expect"]},
        labels={one["licence"]: one["situation"] for one in document["expect"]},
        refused_claim_rules=frozenset({"EL3"}),
    )


def own_job(roads: Path, coverage: Path | None, pings: Path, truth: Path | None) -> Job:
    """Pings of one's own on roads of one's own; every device becomes a vehicle with a demo licence."""
    seen, posts = own_data.read(pings)
    licence_of = {
        post.body["recorder_id"].removeprefix("@recorder:"): post.body["ref"]
        for post in reversed(posts)
        if post.path == "/licences"
    }
    known: dict[str, Truth] = {}
    if truth is not None:
        with truth.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["device_id"] in licence_of:
                    known[licence_of[row["device_id"]]] = Truth(row["device_id"], round(float(row["off_m"]) * 1000))
    return Job(
        title=f"{len(seen)} devices of {pings.name} on {roads.name}",
        tenant=f"Own data: {pings.name}",
        roads=roads,
        coverage=coverage,
        pings=pings,
        posts=posts,
        person_completing="Demo Person",
        truth=known,
    )
