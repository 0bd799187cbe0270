"""The neutral provider: body and media type to parsed columns.  The format itself is `shared.contracts.neutral`."""

from typing import Final

from shared.contracts import neutral
from shared.contracts.neutral import Parsed
from shared.errors import Poison

JSON_TYPES: Final = frozenset({"application/json"})
NDJSON_TYPES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
VALUES_MAX: Final = 500_000
"""Commas in one body: 50 fields for each of 10,000 pings.  Bounds the memory that a body of tiny values can take."""
MEDIA_TYPES: Final = JSON_TYPES | NDJSON_TYPES


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def read(body: bytes, media: str, tenant: str, rows_max: int) -> Parsed:
    """Columns and refused rows of a decoded body.

    Raises Poison `broken_body` where not a single row can be told, `too_many_rows`, `too_many_values`."""
    if not body.strip():
        raise Poison("broken_body", "the body is empty")
    values = body.count(b",")
    if values > VALUES_MAX:
        raise Poison("too_many_values", f"the body holds {values} values")
    parse = neutral.parse_ndjson if media in NDJSON_TYPES else neutral.parse_json
    return parse(body, tenant=tenant, rows_max=rows_max)


def sent_rows(body: bytes, media: str) -> list[bytes]:
    """The rows as they were sent, by the positions that `Parsed` names."""
    return neutral.ndjson_rows(body) if media in NDJSON_TYPES else neutral.json_rows(body)
