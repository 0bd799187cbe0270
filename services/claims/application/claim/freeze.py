"""Freeze a snapshot: sealed, with the salted leaves by which it stays checkable when it is gone (rules CL4, RE2)."""

import asyncio
import json
import secrets
from hashlib import sha256
from typing import Final
from uuid import UUID

from services.claims.application.sealing import Sealer, place
from services.claims.domain.claim.proof import leaves_of, root_of
from services.claims.repo import documents, proofs
from services.claims.repo.documents import SnapshotRow
from services.claims.repo.proofs import ProofRow
from shared.db.pool import Connection

SALT_BYTES: Final = 32


async def freeze(
    conn: Connection,
    tenant: UUID,
    claim_id: UUID,
    kind: str,
    subject: UUID,
    plain: bytes,
    sealer: Sealer,
    edition: int = 1,
) -> None:
    """`plain`: the snapshot's exact JSON."""
    sealed, salt_sealed, proof = await asyncio.to_thread(_make, tenant, kind, subject, plain, sealer, edition)
    await documents.insert_snapshot(
        conn, tenant, claim_id, kind, subject, SnapshotRow(sealed, sha256(plain).digest(), edition)
    )
    await proofs.insert(conn, tenant, claim_id, proof, salt_sealed)


def _make(
    tenant: UUID, kind: str, subject: UUID, plain: bytes, sealer: Sealer, edition: int
) -> tuple[bytes, bytes, ProofRow]:
    salt = secrets.token_bytes(SALT_BYTES)
    leaves = leaves_of(kind, json.loads(plain), salt)
    return (
        sealer.seal(plain, place(tenant, f"snapshot-{kind}", subject)),
        sealer.seal(salt, place(tenant, f"proof-{kind}", subject)),
        ProofRow(kind, subject, edition, root_of(leaves), tuple(leaves)),
    )
