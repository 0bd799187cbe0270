"""Salted leaves (rule RE2): what was lodged can be checked field by field, also when its papers are gone.

A leaf is SHA-256(0x00, salt, path, 0x00, canonical JSON of the value).  Its salt is HMAC-SHA-256(the document's salt, path), so
that one field can be shown without the others.  The root is a Merkle tree over the leaves by path: SHA-256(0x01, left, right);
an odd one is carried up as it is."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

OPEN: Final = {
    "form": frozenset({"claim_id", "claim_number", "template_version", "lodged_on", "lines", "records_held"}),
    "report": frozenset(
        {"licence_number", "licence_kind", "start_km", "end_km", "issued_on", "period", "state", "claimed_as", "totals",
         "claimable_km", "rate", "estimate", "closure", "coverage_percent", "labels", "generated_on"}
    ),
}  # fmt: skip
"""Fields that are about the claim, not about a person or where somebody was; any other is personal, a new one too."""


@dataclass(frozen=True)
class Leaf:
    """`salt` and `value` (any JSON) open it; None: it is known by its hash alone."""

    path: str
    hash: str
    salt: str | None = None
    value: Any = None


def fields_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Top-level fields; of a list of objects each object, and how many there are."""
    for name, value in document.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{name}#", len(value)
            yield from ((f"{name}/{i:05d}", item) for i, item in enumerate(value))
        else:
            yield name, value


def field_salt(salt: bytes, path: str) -> bytes:
    return hmac.digest(salt, path.encode(), "sha256")


def leaf_hash(salt: bytes, path: str, value: Any) -> bytes:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"\0" + salt + path.encode() + b"\0" + canonical.encode()).digest()


def leaves_of(kind: str, document: Mapping[str, Any], salt: bytes) -> list[Leaf]:
    """By path.  Open fields can be checked by anybody, the others by who has their salt."""
    leaves = []
    for path, value in sorted(fields_of(document)):
        own = field_salt(salt, path)
        digest = leaf_hash(own, path, value).hex()
        is_open = path.partition("/")[0].rstrip("#") in OPEN[kind]
        leaves.append(Leaf(path, digest, own.hex(), value) if is_open else Leaf(path, digest))
    return leaves


def root_of(leaves: Sequence[Leaf]) -> bytes:
    """The leaves must be by path; at least one."""
    level = [bytes.fromhex(leaf.hash) for leaf in leaves]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\1" + pair[0] + pair[1]).digest() if len(pair) > 1 else pair[0] for pair in pairs]
    return level[0]


def faults(root: str, leaves: Sequence[Leaf]) -> list[str]:
    """What does not hold of a proof, in words; empty where it holds."""
    found = [
        f"{leaf.path}: is not what was lodged"
        for leaf in leaves
        if leaf.salt is not None and leaf_hash(bytes.fromhex(leaf.salt), leaf.path, leaf.value).hex() != leaf.hash
    ]
    if [leaf.path for leaf in leaves] != sorted({leaf.path for leaf in leaves}):
        found.append("the leaves are not in order, or one is there twice")
    elif not leaves or root_of(leaves).hex() != root:
        found.append("the leaves do not make the root")
    return found
