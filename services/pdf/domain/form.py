"""What stands where on the RUCOR form (rule FO1): sheets of rows, boxes of digits.  Pure: a snapshot in, cells out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from shared.contracts.claim import FormLine, FormSnapshot


@dataclass(frozen=True)
class Template:
    """One issue of the official form; its folder under `templates/` names it."""

    version: str
    effective_from: date
    rows: int
    customer_number_boxes: int
    account_boxes: int
    email: str
    mail: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """One front page: exactly `template.rows` rows, `None` where a row stays empty."""

    number: int
    of: int
    rows: tuple[FormLine | None, ...]
    customer_number: tuple[str, ...]
    account: tuple[str, ...]


class FormError(ValueError):
    """The snapshot cannot be printed on this template."""


def boxes(text: str, count: int, what: str) -> tuple[str, ...]:
    """One character a box, left-aligned, the rest empty.  Raises FormError when it does not fit."""
    if len(text) > count:
        raise FormError(f"{what} has {len(text)} characters, the form has {count} boxes")
    return tuple(text) + ("",) * (count - len(text))


def grouped_by_plate(lines: Sequence[FormLine]) -> list[FormLine]:
    """Lines of one plate together, plates in the order in which they first appear ("please group entries")."""
    first: dict[str, int] = {}
    for line in lines:
        first.setdefault(line.plate, len(first))
    return sorted(lines, key=lambda line: first[line.plate])


def sheets(snapshot: FormSnapshot, template: Template) -> list[Sheet]:
    """The claim's lines on the sheets that the snapshot gives them, grouped by plate; a sheet of too many lines goes on."""
    if not snapshot.lines:
        raise FormError("a form needs at least one line")
    if snapshot.first_claim and snapshot.customer_number:
        raise FormError("a first claim has no off-road customer number (form note 3)")
    for line in snapshot.lines:
        if line.distance_km < 1:
            raise FormError(f"licence {line.licence_number}: distance must be at least one whole kilometre")
        if not 1 <= line.reason_code <= 18:
            raise FormError(f"licence {line.licence_number}: reason code {line.reason_code} is not one of 1 to 18")
    customer = boxes(snapshot.customer_number, template.customer_number_boxes, "the off-road customer number")
    account = boxes(snapshot.bank_account, template.account_boxes, "the bank account number")
    packed: dict[int, list[FormLine]] = {}
    for line in snapshot.lines:
        packed.setdefault(line.sheet, []).append(line)
    chunks = [
        tuple(lines[start : start + template.rows])
        for _, sheet_lines in sorted(packed.items())
        for lines in (grouped_by_plate(sheet_lines),)
        for start in range(0, len(lines), template.rows)
    ]
    return [
        Sheet(number, len(chunks), chunk + (None,) * (template.rows - len(chunk)), customer, account)
        for number, chunk in enumerate(chunks, 1)
    ]
