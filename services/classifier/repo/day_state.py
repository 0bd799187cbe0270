"""What is still owed of a device's days.  Takes a connection and never opens or ends a transaction."""

from typing import Final

from shared.db.pool import Connection

DUE: Final = """
select day, cause from classifier.day_due where tenant_id = $1::uuid and device_id = $2 and day between $3 and $4
"""


async def owed(conn: Connection, tenant: str, device: str, first_day: int, last_day: int) -> dict[int, frozenset[str]]:
    """By NZ day, the causes for which it will be computed again; `settle`: it is not settled yet."""
    found: dict[int, set[str]] = {}
    for row in await conn.fetch(DUE, tenant, device, first_day, last_day):
        found.setdefault(row["day"], set()).add(row["cause"])
    return {day: frozenset(causes) for day, causes in found.items()}
