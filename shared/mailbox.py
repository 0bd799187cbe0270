"""When two e-mail addresses are the same mailbox."""

import string
from typing import Final

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def mailbox(email: str) -> str:
    """The address with the case of ASCII letters put aside, and of those alone: what a larger folding makes equal (ß and ss,
    the Kelvin sign and k) may be another mailbox, in another domain."""
    return email.strip().translate(_LOWER)
