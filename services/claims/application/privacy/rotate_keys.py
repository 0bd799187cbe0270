"""Another key takes over from the ones before (rule RE3): value by value, while the service runs; it can be broken off and
begun again at any moment, for every value says which key it is sealed with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.claims.application.sealing import Keyring, place
from services.claims.repo import sealed as repo
from services.claims.repo.sealed import SEALED, SealedTable, SealedValue
from shared.db.pool import Pool, tx
from shared.errors import Fatal

BATCH: Final = 5
"""Values at a time: an attachment has up to 10 MB."""


class KeyMissing(Fatal):
    """Stored values are sealed with a key that the service does not have."""


@dataclass(frozen=True)
class KeysUsed:
    """Ids of keys, by table: what stored values are sealed with."""

    by_table: dict[str, frozenset[bytes]]

    @property
    def all(self) -> frozenset[bytes]:
        return frozenset().union(*self.by_table.values())


async def keys_used(across: Pool) -> KeysUsed:
    async with tx(across) as conn:
        return KeysUsed({table.name: frozenset(await repo.keys_used(conn, table)) for table in SEALED})


async def check_keys(across: Pool, keyring: Keyring) -> None:
    """Raises KeyMissing where something stored could not be opened: better now than when a form is asked for."""
    used = await keys_used(across)
    for name, ids in used.by_table.items():
        lost = sorted(key.hex() for key in ids - keyring.known)
        if lost:
            raise KeyMissing(
                f"values in claims.{name} are sealed with key {', '.join(lost)}, which is neither RUCOR_BANK_KEY nor in "
                f"RUCOR_BANK_KEYS_OLD: put the old key back there (docs/runbooks/keys.md); nothing can open them without it"
            )


async def rotate(across: Pool, keyring: Keyring, moved: Callable[[str, int], None] = lambda _, __: None) -> int:
    """Seal with the present key whatever another one sealed; how many values.  `moved` is told table and number of each batch.

    Raises KeyMissing before anything is changed.  While another process still seals with an old key, this never ends
    with nothing left: give every process the new key first."""
    await check_keys(across, keyring)
    done = 0
    for table in SEALED:
        while count := await _some(across, keyring, table):
            done += count
            moved(table.name, count)
    return done


async def _some(across: Pool, keyring: Keyring, table: SealedTable) -> int:
    async with tx(across) as conn:
        values = await repo.next_sealed(conn, table, sorted(keyring.known - {keyring.present}), BATCH)
    again = await asyncio.to_thread(lambda: [_seal_again(keyring, value) for value in values])
    async with tx(across) as conn:
        for value, sealed in zip(values, again, strict=True):  # a file each: they do not fit into one statement
            await repo.swap_sealed(conn, table, value, sealed)
    return len(values)


def _seal_again(keyring: Keyring, value: SealedValue) -> bytes:
    where = place(value.tenant_id, value.what, value.subject_id)
    return keyring.seal(keyring.open(value.sealed, where), where)
