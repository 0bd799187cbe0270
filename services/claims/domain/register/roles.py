"""What a person's roles allow (rule PA2), in one table.

Scopes are those that the routes of every service ask for.  Who prepares does not verify, and who verifies does not prepare,
unless a person has both roles, or is an admin.  Nobody gives a role that opens more than they may do themselves; therefore an
admin, who gives roles and makes keys, may do whatever the tenant may, and nothing of other tenants or of the operator."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

Role = Literal["preparer", "verifier", "viewer", "auditor", "admin", "ops"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ADMIN: Final = "admin"
OPERATOR_SCOPES: Final = ("ops:cases", "ops:faulty", "ops:policy", "ops:visit")
"""Of those who run the system; they span tenants (rule PA4)."""
ELSEWHERE: Final = frozenset(
    {
        "pings:write", "pings:read", "providers:write", "tracks:read", "land:read", "land:write", "exclusions:write",
        "reprocess:write",
    }
)  # fmt: skip
"""Scopes that only routes of the other services ask for."""

_LOOK: Final = frozenset({"claims:read", "audit:read", "tracks:read", "land:read"})
_PREPARE: Final = _LOOK | {
    "claims:write", "claims:lodge", "land:write", "exclusions:write", "reprocess:write", "pings:read",
}  # fmt: skip
_VERIFY: Final = _LOOK | {"claims:verify"}

SCOPES_OF: Final[Mapping[Role, frozenset[str]]] = {
    "viewer": _LOOK,
    "preparer": _PREPARE,
    "verifier": _VERIFY,
    "auditor": frozenset({"audit:read"}),
    "admin": _PREPARE
    | _VERIFY
    | {
        "people:write", "keys:write", "privacy:write", "webhooks:write", "audit-log:read", "ops-grants:write",
        "providers:write", "pings:write",
    },
    "ops": frozenset({*OPERATOR_SCOPES, "claims:read", "audit:read", "people:write", "audit-log:read", "keys:write"}),
}  # fmt: skip


def scopes_of(roles: Iterable[Role]) -> frozenset[str]:
    """Everything that any of the roles allows."""
    return frozenset[str]().union(*(SCOPES_OF[role] for role in roles))


def beyond(roles: Iterable[Role], held: frozenset[str], *, machine: bool) -> list[str]:
    """The scopes of the roles that their giver has not, sorted; empty: they may be given.

    A key of this service says nothing about the other services, so a machine gives what the roles open there along with
    what it has here; a person's token names everything that they may do anywhere."""
    return sorted(scopes_of(roles) - held - (ELSEWHERE if machine else frozenset[str]()))
