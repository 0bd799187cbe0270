"""Why a use case says no, as problem documents that say what to do (RFC 9457; codes in docs/guide/claims-api.md)."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from services.claims.repo.taken import TakenRow
from shared.http.problems import Problem


def already_exists(detail: str, existing_id: UUID | None) -> Problem:
    """Importers take `existing_id` and go on."""
    extra: dict[str, Any] = {} if existing_id is None else {"existing_id": str(existing_id)}
    return Problem(409, "already_exists", "This already exists", detail, **extra)


def overlap(code: str, detail: str, existing_id: UUID | None) -> Problem:
    """Something else holds that time or range: `assignment_overlap`, `coupling_overlap`, `recorder_overlap`, …"""
    extra: dict[str, Any] = {} if existing_id is None else {"existing_id": str(existing_id)}
    return Problem(409, code, "This overlaps with what is stored", detail, **extra)


def not_found(what: str, thing: UUID) -> Problem:
    """The same answer for another tenant's thing and for none at all (design G6)."""
    return Problem(404, "not_found", "There is nothing with this id", f"No {what} has the id {thing}.")


def invalid(pointer: str, detail: str, code: str = "value_error") -> Problem:
    """One field of the body breaks a rule that its type alone cannot tell."""
    return Problem(
        422, "invalid", "The request does not fit the schema",
        "Correct the fields listed in `errors` and send the request again.",
        errors=[{"pointer": pointer, "code": code, "detail": detail}],
    )  # fmt: skip


def already_claimed(licence_ids: Sequence[UUID]) -> Problem:
    """Rule EL4, design G4: one application per licence, here or outside."""
    return Problem(
        409, "already_claimed", "A licence is claimed already",
        "A licence can be claimed once only (rule EL4). Look at the licence's `claim_id`, or leave it out and preview again.",
        licence_ids=[str(licence_id) for licence_id in licence_ids],
    )  # fmt: skip


def range_claimed(licence_id: UUID, held: TakenRow | None = None) -> Problem:
    """Design G4: the kilometres of a recorder are claimed once, on whatever licence.  `held`: by what, where that is known."""
    extra: dict[str, Any] = {}
    words = "A claim of another licence of the recorder holds some of the same kilometres."
    if held is not None:
        extra["held_by"] = {"licence_id": str(held.other_id)}
        if held.how == "outside":
            by, then = f"The claim outside ({held.reference})", "take that record back first, if it is a mistake."
        else:
            extra["held_by"]["claim_id"] = str(held.source_id)
            by = f"Claim {held.reference}, which is {held.state},"
            then = (
                "withdraw it first."
                if held.state == "lodged"
                else "its form was sent, so it stays, and this stays too."
            )
        words = f"{by} holds some of the same kilometres on licence {held.other}: {then}"
    return Problem(
        409, "range_claimed", "Kilometres of this licence were claimed with another one",
        f"{words} Nothing is claimed twice: what was said too much is among the disclosures (rule CL7).",
        licence_ids=[str(licence_id)], **extra,
    )  # fmt: skip


def already_refunded() -> Problem:
    """Act s 35: the same kilometres as off road, as unused, or as credit, but once."""
    return Problem(
        409, "already_refunded", "These kilometres were refunded before",
        "Part of the licence's range was claimed, credited or asked for as unused. Look at `GET /v1/licences/{id}/refunded`.",
    )  # fmt: skip


def ledger_broken(licences: Sequence[tuple[UUID, str]]) -> Problem:
    """Of licences whose ledger contradicts itself, and why (design section 4: what cannot be processed is set apart)."""
    return Problem(
        409, "ledger_broken", "A licence cannot be worked out", "; ".join(words for _, words in licences),
        licence_ids=[str(licence_id) for licence_id, _ in licences],
    )  # fmt: skip


def preview_changed(differences: list[dict[str, Any]]) -> Problem:
    """Rule CL3."""
    return Problem(
        409, "preview_changed", "Something changed since the preview",
        "Look at the differences, preview again and lodge with the new token. Nothing was lodged.", differences=differences,
    )  # fmt: skip


def purged(what: str) -> Problem:
    """Rule RE1: nothing held it any more.  A claim has its papers from the moment it is lodged until then."""
    return Problem(
        410, "purged", "This is not kept any longer",
        f"The {what} of this claim was held as long as the law asks, and dropped then. The claim, its lines and hashes remain.",
    )  # fmt: skip


def step_not_allowed(what: str, detail: str, allowed: Sequence[str]) -> Problem:
    """`allowed`: the steps that may be taken of a claim, an application, … as it stands."""
    return Problem(409, "step_not_allowed", f"The {what} is not where this step begins", detail, allowed=list(allowed))


def raising(problem: Problem) -> Callable[[], Exception]:
    """For `shared.db.errors.constraints`: the net under checks that have been made already."""
    return lambda: problem


def claimed_once(licence_id: UUID) -> dict[str, Callable[[], Exception]]:
    """For `shared.db.errors.constraints`: what keeps a licence from being claimed twice (design G4)."""
    taken = raising(already_claimed([licence_id]))
    return {
        "lodged_licence_once": taken,
        "lodged_number_once": taken,
        "lodged_range_once": raising(range_claimed(licence_id)),
        "refunded_range_once": raising(already_refunded()),
    }
