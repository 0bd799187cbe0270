"""What operators do at the command line, in the audit log of whose data it is and in the operator's own (rule PA4).

Such a command reaches the database without a key: its row has `cli` for the key, `CLI` for the method, the command's words for
the route, and the name under which its user is logged in on that machine, or the one that was given."""

import getpass
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from shared.db import audit
from shared.db.audit import OPERATOR, Access
from shared.db.pool import Connection

KEY: Final = "cli"
METHOD: Final = "CLI"
_DONE: Final = 200


def login_name() -> str:
    """Empty where this machine does not know its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


async def note(
    conn: Connection, tenant: UUID, command: str, things: Mapping[str, str] | None = None, by: str | None = None
) -> None:
    """In the transaction of the effect, or before anything is read.  `conn`: the worker's; `command`: as typed, without its
    options; `things`: ids by name."""
    seen = Access(tenant, KEY, by or login_name() or None, OPERATOR, METHOD, command, things or {}, _DONE, "")
    own = seen._replace(tenant=OPERATOR, actor_tenant=None, things={"tenant_id": str(tenant), **seen.things})
    await audit.add_rows(conn, [own] if tenant == OPERATOR else [seen, own])
