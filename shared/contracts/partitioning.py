"""Which partition a device's records go to: our own hash, version 1, the same on every topic and in every language."""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from shared.contracts.topics import PARTITIONS

PARTITIONING_VERSION: Final = 1


@lru_cache(maxsize=200_000)
def partition_of(tenant: str, device: str) -> int:
    """0 ≤ partition < PARTITIONS: first 8 bytes of BLAKE2b over `tenant`, a zero byte and `device`, modulo the count."""
    digest = blake2b(f"{tenant}\0{device}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PARTITIONS
