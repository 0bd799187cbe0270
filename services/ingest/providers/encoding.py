"""Content-Encoding of a request: gzip, deflate, zstd or none, never more than the limit of it in memory."""

from typing import Final

import zstandard

from shared.http.limits import inflate, too_large
from shared.http.problems import Problem

ENCODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip", "deflate", "zstd"})
_WINDOW_BYTES_MAX: Final = 8_388_608
"""RFC 9659: a decoder for HTTP may refuse a larger window."""


def decode(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body as it was before its encoding.

    Raises Problem 400 for a broken stream, 413 above `limit_bytes`, 415 for another encoding."""
    if encoding.strip().lower() != "zstd":
        return inflate(body, encoding, limit_bytes)
    try:
        declared = zstandard.frame_content_size(body)
        if declared > limit_bytes:
            raise too_large(limit_bytes, "decompressed body")
        unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES_MAX)
        return unpacker.decompress(body, max_output_size=limit_bytes + 1, allow_extra_data=False)
    except zstandard.ZstdError as error:
        if "too small" in str(error):
            raise too_large(limit_bytes, "decompressed body") from error
        raise Problem(
            400, "broken_encoding", "The body can't be decompressed",
            f"The body is cut off or is not one zstd frame ({error}): send it again whole, or without encoding.",
        ) from error  # fmt: skip
