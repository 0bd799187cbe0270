"""Proofs of frozen snapshots (rule RE2): roots, leaves, and while the snapshot is kept the salt."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final
from uuid import UUID

from services.claims.domain.claim.proof import Leaf
from shared.db.pool import Connection

INSERT: Final = """
insert into claims.proof (tenant_id, claim_id, kind, subject_id, edition, root, leaves)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)"""
INSERT_SALT: Final = """
insert into claims.proof_salt (tenant_id, claim_id, kind, subject_id, edition, sealed) values ($1, $2, $3, $4, $5, $6)"""
PROOFS: Final = """
select p.kind, p.subject_id, p.edition, p.root, p.leaves::text as leaves, s.sealed as salt_sealed
from claims.proof p
left join claims.proof_salt s using (tenant_id, claim_id, kind, subject_id, edition)
where p.tenant_id = $1 and p.claim_id = $2 order by p.kind, p.subject_id, p.edition"""


@dataclass(frozen=True)
class ProofRow:
    """`salt_sealed`: None once the snapshot was purged."""

    kind: str
    subject_id: UUID
    edition: int
    root: bytes
    leaves: Sequence[Leaf]
    salt_sealed: bytes | None = None


async def insert(conn: Connection, tenant: UUID, claim_id: UUID, row: ProofRow, salt_sealed: bytes) -> None:
    leaves = json.dumps([asdict(leaf) for leaf in row.leaves], ensure_ascii=False)
    await conn.execute(INSERT, tenant, claim_id, row.kind, row.subject_id, row.edition, row.root, leaves)
    await conn.execute(INSERT_SALT, tenant, claim_id, row.kind, row.subject_id, row.edition, salt_sealed)


async def proofs(conn: Connection, tenant: UUID, claim_id: UUID) -> list[ProofRow]:
    return [
        ProofRow(
            row["kind"], row["subject_id"], row["edition"], row["root"],
            tuple(Leaf(**leaf) for leaf in json.loads(row["leaves"])), row["salt_sealed"],
        )
        for row in await conn.fetch(PROOFS, tenant, claim_id)
    ]  # fmt: skip
