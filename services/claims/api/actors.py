"""Who did it (rule PA2): people, not keys."""

from typing import Annotated

from pydantic import Field

from services.claims.application.refusals import invalid
from shared.http.auth import Principal
from shared.http.fields import GivenText

ActorName = Annotated[
    GivenText,
    Field(description="The acting person's name. A person who signed in need not give it: their own is taken."),
]


def actor_of(who: Principal, named: str | None) -> str:
    """The person who signed in; else the one whom the machine names, since a key is nobody.

    Raises Problem 422 where a machine names nobody, or a person someone else."""
    if who.person is None:
        if named is None:
            raise invalid("/actor", "name the person who does this", "missing")
        return named
    if named is not None and named != who.person:
        raise invalid("/actor", "you act in your own name: leave `actor` out", "not_you")
    return who.person
