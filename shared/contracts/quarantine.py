"""A row that was refused or could not be processed, with its reason and its bytes, for replay (design G7)."""

import msgspec


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Key: (origin, partition, offset, row).  `origin` is a topic name, or `http:<request id>` for rows refused at the edge
    (their partition and offset are 0)."""

    tenant: str
    origin: str
    partition: int
    offset: int
    row: int
    device: str
    code: str
    detail: str
    body: bytes
    """The row as the neutral JSON object it came as (or was rebuilt as)."""
    received_ms: int
    code_version: str
