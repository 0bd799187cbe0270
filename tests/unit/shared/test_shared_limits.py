"""Decompression with a cap: broken, foreign and exploding bodies."""

import gzip
import zlib

import pytest

from shared.http.limits import inflate
from shared.http.problems import Problem


def refused(body: bytes, encoding: str, limit: int = 10_000) -> Problem:
    with pytest.raises(Problem) as caught:
        inflate(body, encoding, limit)
    return caught.value


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_with_several_members(encoding: str) -> None:
    assert inflate(gzip.compress(b"one") + gzip.compress(b"two"), encoding, 6) == b"onetwo"


def test_plain_and_deflate() -> None:
    assert inflate(b"plain", "", 5) == b"plain"
    assert inflate(b"plain", "identity", 5) == b"plain"
    assert inflate(zlib.compress(b"x" * 50), "deflate", 50) == b"x" * 50


def test_a_bomb_ends_at_the_limit() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    assert len(bomb) < 200_000
    problem = refused(bomb, "gzip")
    assert (problem.status, problem.code) == (413, "payload_too_large")
    assert "decompressed body is above 10000 bytes" in problem.detail


def test_many_members_share_one_limit() -> None:
    assert refused(gzip.compress(bytes(6_000)) * 2, "gzip").status == 413


def test_one_byte_above_the_limit() -> None:
    assert inflate(gzip.compress(bytes(100)), "gzip", 100) == bytes(100)
    assert refused(gzip.compress(bytes(101)), "gzip", 100).status == 413
    assert refused(bytes(101), "", 100).status == 413


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"cut off")[:-5], b"no gzip at all", gzip.compress(b"x") + b"junk"],
    ids=["cut off", "no gzip", "junk behind"],
)
def test_broken_streams(body: bytes) -> None:
    assert (refused(body, "gzip").status, refused(body, "gzip").code) == (400, "broken_encoding")


def test_an_unknown_encoding_names_the_known_ones() -> None:
    problem = refused(b"", "br")
    assert problem.status == 415
    assert "send gzip" in problem.detail
