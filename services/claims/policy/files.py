"""Reads the policy files beside it: rates.csv, fees.csv, reason_codes.csv, rate_rises.csv, constants.toml.  Anything odd in
them stops the start with file and line."""

import csv
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Final, TypeVar, get_args

from services.claims.domain.policy import Policy
from services.claims.domain.rates import Confidence, FeeRow, RateKind, RateRow
from shared.contracts.claim import FORM_ROWS

_NAMES: Final = ("rates.csv", "fees.csv", "reason_codes.csv", "rate_rises.csv", "constants.toml")
_KINDS: Final[dict[str, RateKind]] = {kind: kind for kind in get_args(RateKind)}
_CONFIDENCES: Final[dict[str, Confidence]] = {confidence: confidence for confidence in get_args(Confidence)}

Row = TypeVar("Row")


class InvalidPolicy(ValueError):
    """A policy file cannot be used.  Names file and line."""


@cache
def load() -> Policy:
    """The policy as shipped.  Raises InvalidPolicy."""
    return parse(texts())


def texts() -> dict[str, str]:
    """The files as shipped, by name."""
    folder = files(__package__)
    return {name: (folder / name).read_text(encoding="utf-8") for name in _NAMES}


def constants_of(text: str) -> dict[str, dict[str, object]]:
    """name → value, from_on, source, confidence."""
    return tomllib.loads(text)


def parse(shipped: dict[str, str]) -> Policy:
    """From the texts of the files, by name.  Raises InvalidPolicy."""
    constants = _constants(shipped["constants.toml"])
    _known(constants)
    digest = sha256("\0".join(f"{name}\0{shipped[name]}" for name in _NAMES).encode()).hexdigest()
    return Policy(
        name=digest[:16],
        rates=tuple(_rows("rates.csv", shipped["rates.csv"], _rate)),
        fees=tuple(_rows("fees.csv", shipped["fees.csv"], _fee)),
        reason_codes=MappingProxyType(
            dict(
                _rows("reason_codes.csv", shipped["reason_codes.csv"], lambda row: (int(row["code"]), row["industry"]))
            )
        ),
        rate_rises=tuple(_rows("rate_rises.csv", shipped["rate_rises.csv"], lambda row: date.fromisoformat(row["on"]))),
        minimum_claim_cents=_whole(constants, "minimum_claim_cents"),
        claim_years=_whole(constants, "claim_years"),
        gps_above_recorder_percent=_percent(constants, "gps_above_recorder_percent"),
        unknown_percent=_percent(constants, "unknown_percent"),
        late_window_hours=_whole(constants, "late_window_hours"),
        send_email_working_days=_whole(constants, "send_email_working_days"),
        send_post_working_days=_whole(constants, "send_post_working_days"),
        form_rows=_whole(constants, "form_rows"),
        form_template=_word(constants, "form_template"),
        records_held_default=_word(constants, "records_held_default"),
        agency_working_days=_whole(constants, "agency_working_days"),
        surrender_years=_whole(constants, "surrender_years"),
        surrender_minimum_km=_whole(constants, "surrender_minimum_km"),
        overlap_months=_whole(constants, "overlap_months"),
        run_out_km=_whole(constants, "run_out_km"),
        run_out_soon_km=_whole(constants, "run_out_soon_km"),
        usual_licences=_whole(constants, "usual_licences"),
        usual_licences_min=_whole(constants, "usual_licences_min"),
        usual_points=_whole(constants, "usual_points"),
        usual_mads=_whole(constants, "usual_mads"),
        exemption_gross_kg=_whole(constants, "exemption_gross_kg"),
        exemption_reach_km=_whole(constants, "exemption_reach_km"),
        exemption_working_days=_whole(constants, "exemption_working_days"),
        exemption_duty_working_days=_whole(constants, "exemption_duty_working_days"),
    )


def _rows(name: str, text: str, read: Callable[[dict[str, str]], Row]) -> Iterator[Row]:
    reader = csv.DictReader(text.splitlines())
    row = None
    for row in reader:
        try:
            yield read(_whole_row(row))
        except KeyError as error:  # of a cell's value, or of a column
            (key,) = error.args
            if key in row.values():
                raise InvalidPolicy(f"{name} line {reader.line_num}: {key!r} is no word that is known here") from error
            raise InvalidPolicy(f"{name} line 1: the header lacks {key}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidPolicy(f"{name} line {reader.line_num}: {error}") from error
    if row is None:  # nobody empties a table on purpose: what was bought or charged before stays true
        raise InvalidPolicy(f"{name} line {reader.line_num + 1}: there is no row")


def _whole_row(row: dict[str, str]) -> dict[str, str]:
    if None in row:
        raise ValueError("more cells than columns")
    return row


def _rate(row: dict[str, str]) -> RateRow:
    cents = int(row["cents_per_unit"])
    if cents <= 0:
        raise ValueError("a rate is above 0")
    return RateRow(
        from_on=date.fromisoformat(row["from_on"]),
        until_on=_last_day(row["until_on"]),
        ruc_type=row["ruc_type"],
        over_kg=int(row["over_kg"]),
        upto_kg=int(row["upto_kg"]) if row["upto_kg"] else None,
        cents_per_unit=cents,
        kind=_KINDS[row["kind"]],
        confidence=_CONFIDENCES[row["confidence"]],
        source=row["source"],
    )


def _fee(row: dict[str, str]) -> FeeRow:
    return FeeRow(
        from_on=date.fromisoformat(row["from_on"]),
        until_on=_last_day(row["until_on"]),
        channel=row["channel"],
        cents=int(row["cents"]),
        confidence=_CONFIDENCES[row["confidence"]],
        source=row["source"],
    )


def _last_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _constants(text: str) -> dict[str, object]:
    """Every entry needs value, from_on, source and confidence."""
    found: dict[str, object] = {}
    try:
        entries = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(f"constants.toml: {error}") from error
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not {"value", "from_on", "source", "confidence"} <= entry.keys():
            raise InvalidPolicy(f"constants.toml [{name}]: needs value, from_on, source and confidence")
        found[name] = entry["value"]
    return found


def _known(constants: dict[str, object]) -> None:
    """A constant that nothing reads is a misspelt one; a form that nobody can print is no form."""
    strange = sorted(constants.keys() - {field.name for field in fields(Policy)})
    if strange:
        raise InvalidPolicy(f"constants.toml [{strange[0]}]: there is no such constant")
    template = _word(constants, "form_template")
    if FORM_ROWS.get(template) != constants.get("form_rows"):
        raise InvalidPolicy(f"constants.toml [form_template]: {template} with its rows must be one of {FORM_ROWS}")


def _percent(constants: dict[str, object], name: str) -> int:
    value = _whole(constants, name)
    if value > 100:
        raise InvalidPolicy(f"constants.toml [{name}]: is a percentage, has {value}")
    return value


def _whole(constants: dict[str, object], name: str) -> int:
    value = constants.get(name)
    if not isinstance(value, int) or value < 0:
        raise InvalidPolicy(f"constants.toml [{name}]: needs a whole number, has {value!r}")
    return value


def _word(constants: dict[str, object], name: str) -> str:
    value = constants.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidPolicy(f"constants.toml [{name}]: needs words, has {value!r}")
    return value
