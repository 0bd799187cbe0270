"""Whatever is done to a token: it says what was signed, or it is not believed (rule PA2)."""

import asyncio
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import KeySet

from shared.http.jwks import KnownKeys
from shared.http.mint import fresh_keys, read_keys
from shared.http.tokens import AccessToken, InvalidToken, TokenReader, sign

NOW_S = 1_795_305_600
ISSUER = "https://claims.example"
KEYS = read_keys(fresh_keys())
MARY = AccessToken(
    tenant_id=UUID(int=7), subject=str(UUID(int=9)), scopes=frozenset({"claims:read"}), person="Mary Hill"
)
JOE = AccessToken(
    tenant_id=UUID(int=8), subject=str(UUID(int=6)), scopes=frozenset({"claims:write"}), person="Joe Hill"
)
SIGNED = [sign(one, KEYS[0], ISSUER, NOW_S) for one in (MARY, JOE)]
READER = TokenReader(ISSUER, KnownKeys(KeySet([*KEYS])), lambda: NOW_S * 1000)
CHARACTERS = st.sampled_from("ABCDEFabcdef0123456789-_.=+/ \x00é")


def believed(text: str) -> AccessToken | None:
    async def ask() -> AccessToken | None:
        try:
            return await READER.read(text)
        except InvalidToken:
            return None

    return asyncio.run(ask())


@given(st.integers(0, len(SIGNED[0]) - 1), CHARACTERS, st.sampled_from(["put", "insert", "cut"]))
def test_PA2_one_character_changes_nothing_or_ends_it(place: int, character: str, how: str) -> None:
    text = SIGNED[0]
    rest = text[place:] if how == "insert" else text[place + 1 :]
    assert believed(text[:place] + ("" if how == "cut" else character) + rest) in {None, MARY}


@given(st.lists(st.sampled_from([0, 1]), min_size=3, max_size=3))
def test_PA2_parts_of_two_tokens_never_make_a_third(parts: list[int]) -> None:
    mixed = ".".join(SIGNED[which].split(".")[place] for place, which in enumerate(parts))
    whole = parts[1] == parts[2]
    assert believed(mixed) == ((MARY, JOE)[parts[1]] if whole else None)


@given(st.text(max_size=300))
def test_PA2_no_text_that_nobody_signed_is_believed(text: str) -> None:
    assert believed(text) is None
    assert believed(f"{text}.{text}.{text}") is None
