"""One vehicle of the sample by itself: its pings, and what its office knows of it as shell variables (docs/guide/portal.md)."""

import gzip
import json
import shlex
from pathlib import Path
from typing import Any

from deploy.demo.sample.generate import Sample

Json = dict[str, Any]


class NoSuchVehicle(LookupError):
    """The sample has no vehicle of that name with a device and two licences."""


def write_one(sample: Sample, ref: str) -> tuple[Path, Path]:
    """`REF.ndjson` and `REF.env` beside the sample's other files.  Raises NoSuchVehicle."""
    known = _variables(json.loads(sample.register.read_text(encoding="utf-8"))["posts"], ref)
    pings, office = sample.folder / f"{ref}.ndjson", sample.folder / f"{ref}.env"
    mark = f'"device_id": "{known["DEVICE"]}"'
    with gzip.open(sample.stream, "rt", encoding="utf-8") as lines, pings.open("w", encoding="utf-8") as out:
        out.writelines(line for line in lines if mark in line)
    office.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in known.items()), encoding="utf-8")
    return pings, office


def _variables(posts: list[Json], ref: str) -> dict[str, str]:
    vehicle = _bodies(posts, "/vehicles", "ref", ref)
    device = _bodies(posts, "/devices", "vehicle_id", f"@vehicle:{ref}")
    recorder = _bodies(posts, "/recorders", "vehicle_id", f"@vehicle:{ref}")
    licences = _bodies(posts, "/licences", "recorder_id", f"@recorder:{ref}")
    readings = {one["value"]: one["at"] for one in _bodies(posts, "/readings", "recorder_id", f"@recorder:{ref}")}
    if not (vehicle and device and recorder and len(licences) > 1):
        raise NoSuchVehicle(f"the sample has no vehicle {ref!r} with a device and two licences: try ute-1")
    used, following = licences[0], licences[1]
    try:
        read = {"START_AT": readings[used["start_reading"]], "END_AT": readings[used["end_reading"]]}
    except KeyError as error:
        raise NoSuchVehicle(f"the first licence of {ref!r} is not used up: try ute-1") from error
    known = {
        "PLATE": vehicle[0]["plate"], "RUC_TYPE": vehicle[0]["ruc_type"], "GROSS_KG": vehicle[0]["gross_kg"],
        "DEVICE": device[0]["device"], "GPS_TYPE": device[0]["gps_type"], "DEVICE_FROM": device[0]["from"],
        "RECORDER_KIND": recorder[0]["kind"], "SERIAL": recorder[0]["serial"], "RECORDER_FROM": recorder[0]["from"],
        "LICENCE": used["number"], "START": used["start_reading"], "END": used["end_reading"],
        "ISSUED_AT": used["issued_at"], "PAID_CENTS": used["gross_cents"],
        "NEXT_LICENCE": following["number"], "NEXT_END": following["end_reading"],
        "NEXT_ISSUED_AT": following["issued_at"], "NEXT_PAID_CENTS": following["gross_cents"],
        "NEXT_UNITS": following["units"], "UNITS": used["units"],
    }  # fmt: skip
    return {name: str(value) for name, value in (known | read).items()}


def _bodies(posts: list[Json], path: str, field: str, value: str) -> list[Json]:
    return [one["body"] for one in posts if one["path"] == path and one["body"].get(field) == value]
