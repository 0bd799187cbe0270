"""What schemathesis does not know by itself: bodies of lines."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/jsonl", "application/ndjson", "application/x-jsonlines", "application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    """As it is: such bodies are text to the schema."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
