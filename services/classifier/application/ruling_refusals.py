"""What stands against a command on land or exclusions, as problems that say what to do."""

from typing import Final
from uuid import UUID

from shared.http.problems import Problem

LANDS_MAX: Final = 2_000
EXCLUSIONS_MAX: Final = 20_000
"""In force at a time, of one tenant: every device-day is judged by all that touch it."""


def invalid(pointer: str, detail: str, code: str = "invalid") -> Problem:
    """422 that names one member of the body, as the schema's own errors do."""
    return Problem(
        422, "invalid", "The request does not fit", "Correct the fields listed in `errors` and send the request again.",
        errors=[{"pointer": pointer, "code": code, "detail": detail}],
    )  # fmt: skip


def not_found(what: str, thing: UUID) -> Problem:
    """404: there is none in the key's tenant, and nothing is said of others."""
    return Problem(404, "not_found", f"There is no such {what}", f"Your tenant has no {what} {thing}.")


def changed_meanwhile(current: int) -> Problem:
    return Problem(
        409, "changed_meanwhile", "It has changed since you read it",
        "Read it again, and send your change on top of the version that stands now.", current_version=current,
    )  # fmt: skip


def wrong_state(what: str, state: str, detail: str) -> Problem:
    return Problem(409, "wrong_state", f"The {what} is {state}", detail, state=state)


def too_many(what: str, limit: int) -> Problem:
    return Problem(
        409, "too_many", f"There are too many {what}",
        f"A tenant has at most {limit} {what} in force: end or join some of them first.", limit=limit,
    )  # fmt: skip
