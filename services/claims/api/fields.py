"""Types of single fields of this API's bodies, beside those that all APIs share."""

from typing import Annotated, Final

from pydantic import Field, PlainSerializer

from shared.http.fields import Answer, Body, Day, Form, GivenText, Instant, Ref, Text, shown

__all__ = [
    "Answer",
    "Body",
    "Cents",
    "CustomerNumber",
    "Day",
    "Form",
    "GivenText",
    "Instant",
    "Km",
    "Reading",
    "ReasonCode",
    "Ref",
    "StatementHash",
    "Text",
    "km_text",
    "shown",
]

READING_MAX: Final = 1_000_000_000
CENTS_MAX: Final = 1_000_000_000_000
MM_PER_KM: Final = 1_000_000

Reading = Annotated[int, Field(ge=0, le=READING_MAX, strict=True)]
Cents = Annotated[int, Field(ge=0, le=CENTS_MAX, strict=True)]
ReasonCode = Annotated[int, Field(ge=1, le=18, strict=True)]
CustomerNumber = Annotated[
    str, Form(r"^([0-9]{9,10})?$", "give the 9 or 10 digits alone, or leave it blank (rule CL1)")
]
StatementHash = Annotated[
    str, Form("^[0-9a-f]{64}$", "give the statement_hash as it was answered: 64 characters from 0-9 and a-f")
]


def km_text(mm: int) -> str:
    """Kilometres with three decimals, cut, never rounded up."""
    sign, mm = ("-", -mm) if mm < 0 else ("", mm)
    return f"{sign}{mm // MM_PER_KM}.{mm % MM_PER_KM // 1000:03d}"


Km = Annotated[int, PlainSerializer(km_text, return_type=str)]
"""Millimetres that are shown as kilometres."""
