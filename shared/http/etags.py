"""Entity tags: what they are made of, and what a caller's conditional headers say of them (RFC 9110, 8.8.3 and 13.1)."""

import re
from hashlib import sha256
from typing import Final

_TAG: Final = re.compile(r'(?P<weak>W/)?(?P<opaque>"[\x21\x23-\x7e\x80-\xff]*")')
_BYTES: Final = 16


def etag_of(body: bytes) -> str:
    """Strong: other bytes have another tag."""
    return f'"{sha256(body).hexdigest()[: 2 * _BYTES]}"'


def names(header: str, tag: str, *, strong: bool) -> bool:
    """Whether the header's list holds the tag.  `strong`: a weak one is no match (If-Match)."""
    if header.strip() == "*":
        return True
    found = _TAG.finditer(header)
    return any(one["opaque"] == tag and not (strong and one["weak"]) for one in found)
