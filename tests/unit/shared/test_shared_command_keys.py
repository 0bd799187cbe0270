"""What counts as an Idempotency-Key, on every command and on dry runs too."""

import pytest
from starlette.requests import Request

from shared.http.commands import key_of
from shared.http.problems import Problem


def asked(key: str | None) -> Request:
    headers = [] if key is None else [(b"idempotency-key", key.encode("latin-1"))]
    return Request({"type": "http", "method": "POST", "path": "/v1/reprocess", "headers": headers})


@pytest.mark.parametrize("key", ["", "two words", "\u00e9", "x" * 1_000])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Problem) as refused:
        key_of(asked(key))
    assert (refused.value.status, refused.value.code) == (400, "idempotency_key_invalid")


def test_a_key_or_none_is_taken() -> None:
    assert (key_of(asked(None)), key_of(asked("a-1"))) == (None, "a-1")
