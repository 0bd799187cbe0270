"""What guards a route: its dependencies on a key, found in the app itself."""

from collections.abc import Iterator
from typing import Any


def calls(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from calls(one)


def guarded(route: Any) -> bool:
    """Whether the route asks for a key, a signed-in person or the internal token."""
    dependant = getattr(route, "dependant", None)
    return dependant is not None and any(
        getattr(call, "__module__", "") == "shared.http.auth" for call in calls(dependant)
    )
