"""Two addresses are one mailbox only where nothing but the case of ASCII letters parts them (rule PA2)."""

from hypothesis import given
from hypothesis import strategies as st

from shared.mailbox import mailbox


@given(st.text(max_size=20), st.text(max_size=20))
def test_PA2_two_mailboxes_are_equal_only_by_ascii_case(one: str, other: str) -> None:
    same = one.strip().encode().lower() == other.strip().encode().lower()  # of bytes it knows ASCII alone
    assert (mailbox(one) == mailbox(other)) == same


def test_PA2_what_unicode_folds_together_stays_apart() -> None:
    assert mailbox(" Mary@Hill.Example ") == "mary@hill.example"
    for one, other in (("straße@x.nz", "strasse@x.nz"), ("\N{KELVIN SIGN}im@x.nz", "kim@x.nz"), ("É@x.nz", "é@x.nz")):
        assert mailbox(one) != mailbox(other)
