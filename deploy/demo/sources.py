"""Where a job comes from: the generated sample, or roads and pings of one's own."""

import csv
import json
from datetime import date
from pathlib import Path

from deploy.demo import own_data
from deploy.demo.job import Job, Truth
from deploy.demo.problems import DemoProblem
from deploy.demo.register import Post
from deploy.demo.verdict import Expectation
from shared.clock import utc_now
from shared.nz_days import AUCKLAND


def sample_job(data_dir: Path, until: date | None) -> Job:
    """The sample fleet.  Made once and kept in the data folder, so that every later run is about the same fortnight."""
    from deploy.demo.sample import files

    folder = data_dir / "sample"
    if not (folder / files.MANIFEST).exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(folder, until or files.default_until(utc_now().astimezone(AUCKLAND).date()))
    made = json.loads((folder / files.MANIFEST).read_text())
    if until is not None and made["until"] != str(until):
        raise DemoProblem(f"{folder} holds the fortnight until {made['until']}: use another --data-dir for {until}")
    document = json.loads((folder / "register.json").read_text(encoding="utf-8"))
    expectations = [
        Expectation(one["situation"], one["ref"], frozenset(one["states"]), one["findings"])
        for one in document["situations"]
    ]
    return Job(
        title=f"Sample fleet of twelve, fortnight until {made['until']}",
        tenant="Sample fleet",
        roads=folder / "district.osm",
        coverage=folder / "coverage.geojson",
        pings=folder / "pings.ndjson.gz",
        posts=[Post(**post) for post in document["posts"]],
        person_completing=document["person_completing"],
        expectations=expectations,
        truth={ref: Truth(**known) for ref, known in document["truth"].items()},
        labels={one.ref: one.situation for one in expectations},
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
