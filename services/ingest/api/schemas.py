"""Bodies and answers of ingest's HTTP API."""

from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from services.ingest.providers.neutral import JSON_TYPES, NDJSON_TYPES
from services.ingest.settings import BODY_BYTES_MAX, PINGS_MAX
from shared.http.openapi.document import NEVER, TAKES_KEY
from shared.http.problem_schemas import problem_answers


class Ping(BaseModel):
    """A neutral ping.  Unknown fields are accepted, counted and not kept."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "device_id": "ute-7",
                    "ts": "2026-03-02T18:00:01.250Z",
                    "lat": -40.352306,
                    "lng": 175.608215,
                    "speed_kmh": 24.5,
                    "heading_deg": 267.0,
                    "accuracy_m": 4.8,
                    "odometer_m": 52712856.0,
                    "ignition": True,
                }
            ]
        },
    )

    device_id: Annotated[str, Field(min_length=1, max_length=128)] | float
    """Kept verbatim; a number is kept as the text it was written as."""
    ts: str | float
    """ISO 8601 with seconds and an offset, or epoch seconds or milliseconds as a number."""
    lat: Annotated[float, Field(ge=-90, le=90)]
    lng: Annotated[float, Field(ge=-180, le=180)]
    id: Annotated[str, Field(max_length=128)] | float | None = None
    speed_kmh: Annotated[float, Field(ge=-1, le=1000)] | None = None
    heading_deg: Annotated[float, Field(ge=-1, le=360)] | None = None
    accuracy_m: Annotated[float, Field(ge=-1, le=1_000_000)] | None = None
    hdop: Annotated[float, Field(ge=-1, le=10_000)] | None = None
    odometer_m: Annotated[float, Field(ge=0, le=10_000_000_000)] | None = None
    ignition: bool | None = None
    valid: bool | None = None


NDJSON_EXAMPLE: Final = (
    '{"device_id": "ute-7", "ts": "2026-03-02T18:00:01.250Z", "lat": -40.352306, "lng": 175.608215}\n'
    '{"device_id": "ute-7", "ts": "2026-03-02T18:00:06.250Z", "lat": -40.352511, "lng": 175.608602}\n'
)


class RefusedPing(BaseModel):
    index: int
    """Position in the array, or line of the NDJSON body, from 0."""
    code: str
    """Stable; every code is explained in docs/guide/ingest-api.md."""
    detail: str


class Receipt(BaseModel):
    """What became of a batch.  `accepted` pings are durable when you read this."""

    accepted: int
    duplicates: int
    """How many of the accepted pings repeat another of this batch."""
    refused: list[RefusedPing]
    quarantined: int
    """How many of the refused rows are kept for a later look (`GET /v1/quarantine`)."""
    unknown_fields: dict[str, int]
    """Fields that are not ours, and how many pings carry each; at most 20 names."""


class QuarantineRow(BaseModel):
    origin: str
    """`http:<digest of the request>`, or the topic whose record could not be processed."""
    partition: int
    offset: int
    row: int
    device_id: str
    code: str
    detail: str
    body: str | None
    """The row as it was sent, where it is text."""
    body_base64: str | None
    """The row as it was sent, where it is not."""
    received_at: datetime
    code_version: str


class QuarantinePage(BaseModel):
    """Newest first."""

    items: list[QuarantineRow]
    next_cursor: str | None
    """Give it back as `cursor` for the next page; null on the last."""


PINGS_BODY: Final[dict[str, Any]] = {
    TAKES_KEY: False,
    NEVER: [404, 409],
    "requestBody": {
        "required": True,
        "description": f"At most {PINGS_MAX} pings and {BODY_BYTES_MAX} bytes, before and after Content-Encoding "
        "(gzip, deflate or zstd).",
        "content": {
            **{
                media: {
                    "schema": {
                        "oneOf": [
                            {"type": "array", "maxItems": PINGS_MAX, "items": {"$ref": "#/components/schemas/Ping"}},
                            {
                                "type": "object",
                                "required": ["pings"],
                                "properties": {
                                    "pings": {"type": "array", "items": {"$ref": "#/components/schemas/Ping"}}
                                },
                            },
                            {"$ref": "#/components/schemas/Ping"},
                        ]
                    }
                }
                for media in sorted(JSON_TYPES)
            },
            **{
                media: {
                    "schema": {"type": "string", "description": "One Ping as JSON on each line."},
                    "examples": {"typical": {"value": NDJSON_EXAMPLE}},
                }
                for media in sorted(NDJSON_TYPES)
            },
        },
    },
}
PINGS_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    202: {"model": Receipt, "description": "All pings are durable."},
    207: {"model": Receipt, "description": "Some pings were refused, each with index and code; the rest are durable."},
    **problem_answers(
        {
            400: "The body can't be read at all; the detail says where.",
            401: "The key is missing, unknown or revoked.",
            403: "The key lacks the scope pings:write.",
            413: "Too many pings or bytes; the detail names the limit.",
            415: "Unknown media type or encoding.",
            422: "No ping of the batch can be used; `refused` says why, one by one.",
            429: "The key sends more than it may; wait Retry-After seconds.",
            503: "Nothing was acknowledged; send the same batch again after Retry-After seconds.",
        }
    ),
}
