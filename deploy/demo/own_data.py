"""A register for pings of your own: every device becomes a vehicle with a recorder and a demo licence.

A device with an odometer gets an ordinary licence from the whole 1000 km below its first reading to the next above its
last, actual readings at both ends (labelled *demo*), and a licence after it; one without gets a licence without readings,
which is not claimable and says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from deploy.demo.problems import DemoProblem
from deploy.demo.register import Post
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import NONE, Pings

UNIT_KM: Final = 1000
LABEL: Final = "demo"
RATE_CENTS: Final = 7600
"""A light vehicle's rate for 1000 km in force since 1 July 2020 but for the reductions (services/claims/policy)."""
BANK_ACCOUNT: Final = "01-0242-0100194-00"
"""The example account number of python-stdnum's documentation: valid check digits, nobody's claim."""
MARGIN: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Seen:
    """What the pings tell of one device."""

    device: str
    first_at: datetime
    last_at: datetime
    first_odometer_m: int | None
    last_odometer_m: int | None


def _instant(ts_ms: int) -> datetime:
    return datetime.fromtimestamp(ts_ms / 1000, UTC)


def devices(pings: Pings) -> list[Seen]:
    """Every device of the pings, with its first and last fix and odometer reading, by instant."""
    order = np.lexsort((pings.ts_ms, pings.key))
    key, ts, odometer = pings.key[order], pings.ts_ms[order], pings.odometer_mm[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else np.empty(0, np.int64)
    ends = np.r_[starts[1:], len(key)] if len(key) else starts
    seen = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        read = np.flatnonzero(odometer[start:end] != NONE) + start
        has = len(read) > 0 and odometer[read[-1]] >= odometer[read[0]]
        seen.append(
            Seen(
                device=pings.keys[int(key[start])][1],
                first_at=_instant(int(ts[start])),
                last_at=_instant(int(ts[end - 1])),
                first_odometer_m=int(odometer[read[0]]) // 1000 if has else None,
                last_odometer_m=int(odometer[read[-1]]) // 1000 if has else None,
            )
        )
    return sorted(seen, key=lambda one: one.device)


def _licence(one: Seen, number: str, start_km: int, end_km: int, issued_at: datetime) -> Post:
    units = (end_km - start_km) // UNIT_KM
    return Post(
        "/licences",
        f"licence:{number}",
        {
            "ref": number,
            "claimant_id": "@claimant:demo",
            "recorder_id": f"@recorder:{one.device}",
            "number": number,
            "kind": "D",
            "start_reading": start_km,
            "end_reading": end_km,
            "issued_at": issued_at.isoformat(),
            "units": units,
            "gross_cents": units * RATE_CENTS,
            "credit_cents": 0,
            "fee_cents": 0,
        },
    )


def _reading(one: Seen, at: datetime, km: int) -> Post:
    body = {
        "recorder_id": f"@recorder:{one.device}",
        "at": at.isoformat(),
        "value": km,
        "source": "provider",
        "label": LABEL,
    }
    return Post("/readings", "", body)


def _vehicle(one: Seen, plate: str) -> list[Post]:
    known_from = one.first_at - timedelta(days=30)
    return [
        Post(
            "/vehicles",
            f"vehicle:{one.device}",
            {"plate": plate, "description": f"device {one.device}", "ruc_type": "1"},
        ),
        Post(
            "/devices",
            "",
            {
                "device": one.device,
                "vehicle_id": f"@vehicle:{one.device}",
                "from": known_from.isoformat(),
                "primary": True,
                "gps_type": "Vehicle telematics unit",
            },
        ),
        Post(
            "/recorders",
            f"recorder:{one.device}",
            {
                "vehicle_id": f"@vehicle:{one.device}",
                "kind": "odometer",
                "serial": f"ODO-{plate}",
                "unit": "km",
                "from": known_from.isoformat(),
            },
        ),
    ]


def _licences(one: Seen, plate: str) -> list[Post]:
    issued_at = one.first_at - timedelta(days=1)
    if one.first_odometer_m is None or one.last_odometer_m is None:
        return [_licence(one, f"{plate}1", 0, UNIT_KM, issued_at)]
    first_km, last_km = one.first_odometer_m // 1000, one.last_odometer_m // 1000
    start_km = first_km // UNIT_KM * UNIT_KM
    end_km = (last_km // UNIT_KM + 1) * UNIT_KM
    return [
        _reading(one, one.first_at - MARGIN, start_km),
        _reading(one, one.first_at, first_km),
        _reading(one, one.last_at, last_km),
        _reading(one, one.last_at + MARGIN, end_km),
        _licence(one, f"{plate}1", start_km, end_km, issued_at),
        _licence(one, f"{plate}2", end_km, end_km + UNIT_KM, one.last_at + MARGIN),
    ]


def read(path: Path) -> tuple[list[Seen], list[Post]]:
    """The devices of a pings file and the register for them.  Raises DemoProblem when the file holds no usable ping."""
    parsed = read_ndjson(path)
    if len(parsed.pings) == 0:
        first = f" (first: {parsed.refused[0].code}, {parsed.refused[0].detail})" if parsed.refused else ""
        raise DemoProblem(f"{path} holds no usable ping{first}")
    return register(devices(parsed.pings))


def register(seen: Sequence[Seen]) -> tuple[list[Seen], list[Post]]:
    """The posts for these devices; plates are D and a running number."""
    posts = [
        Post(
            "/claimants",
            "claimant:demo",
            {
                "ref": "demo",
                "name": "Demo Fleet Limited",
                "customer_number": "",
                "first_claim": True,
                "bank_account": BANK_ACCOUNT,
                "bank_account_name": "Demo Fleet Limited",
                "address": "1 Demo Road, Wellington",
                "phone": "04 555 0100",
                "email": "demo@example.nz",
                "contact_person": "Demo Person",
                "default_reason_code": 4,
                "default_travel_description": "Travel on farm, forest and private land (demo data)",
            },
        )
    ]
    for number, one in enumerate(seen, 1):
        plate = f"D{number:03d}"
        posts += _vehicle(one, plate) + _licences(one, plate)
    return list(seen), posts
