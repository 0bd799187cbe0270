"""A register to post: claimants, vehicles, recorders, licences … in order, naming each other before they have ids."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deploy.demo.client import ClaimsClient, Json
from deploy.demo.problems import DemoProblem

REFERENCE: Final = re.compile(r"^@([a-z_]+:.+)$")
PATH_REFERENCE: Final = re.compile(r"\{([a-z_]+:[^}]+)\}")


@dataclass(frozen=True)
class Post:
    """One thing to create.  A body value "@vehicle:ute-1" and a path part "{vehicle:ute-1}" stand for that thing's id."""

    path: str
    name: str
    """`kind:ref`, by which later posts name it; "" where none does."""
    body: Json


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with every reference replaced by its id.  Raises DemoProblem for a name that was not posted before."""
    if isinstance(value, dict):
        return {key: resolved(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolved(inner, ids) for inner in value]
    if isinstance(value, str) and (found := REFERENCE.match(value)):
        return _id_of(found[1], ids)
    return value


def _id_of(name: str, ids: Mapping[str, str]) -> str:
    if name not in ids:
        raise DemoProblem(f"the register names {name} before it is posted")
    return ids[name]


def apply(client: ClaimsClient, posts: Sequence[Post], step: Callable[[], None]) -> dict[str, str]:
    """Post all in order, finding what exists already; returns name → id.  Running it twice changes nothing."""
    ids: dict[str, str] = {}
    for post in posts:
        path = PATH_REFERENCE.sub(lambda found: _id_of(found[1], ids), post.path)
        made = client.create(path, resolved(post.body, ids))
        if post.name:
            ids[post.name] = made
        step()
    return ids
