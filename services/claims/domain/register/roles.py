"""What a person's roles allow (rule PA2), in one table.

Scopes are those that the routes of every service ask for.  Who prepares does not verify, and who verifies does not prepare,
unless a person has both roles."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

Role = Literal["preparer", "verifier", "viewer", "auditor", "ops"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
OPERATOR_SCOPES: Final = ("ops:cases", "ops:faulty", "ops:policy", "ops:visit")
"""Of those who run the system; they span tenants (rule PA4)."""

_LOOK: Final = frozenset({"claims:read", "audit:read", "tracks:read", "land:read"})

SCOPES_OF: Final[Mapping[Role, frozenset[str]]] = {
    "viewer": _LOOK,
    "preparer": _LOOK
    | {
        "claims:write", "claims:lodge", "land:write", "exclusions:write", "reprocess:write", "pings:read",
    },
    "verifier": _LOOK | {"claims:verify"},
    "auditor": frozenset({"audit:read"}),
    "ops": frozenset({*OPERATOR_SCOPES, "claims:read", "audit:read", "people:write", "audit-log:read", "keys:write"}),
}  # fmt: skip


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Everything that any of the roles allows."""
    return frozenset[str]().union(*(SCOPES_OF[role] for role in roles))
