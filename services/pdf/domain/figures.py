"""How numbers are written in a report: millimetres as kilometres with three decimals, never rounded up."""

from typing import Final

SURFACE_WORDS: Final = {
    "public_road": "Public road",
    "off_road": "Off road",
    "unknown": "Unknown",
    "carried": "Carried",
    "uncovered": "No licence",
}
BASIS_WORDS: Final = {
    "private_road": "on a mapped private, farm or forestry way",
    "no_road": "clear of every mapped way",
    "declared_land": "on declared land",
    "declared_over_public": "on a mapped public road, on land declared as a closed works site or a map error",
    "odometer_bound": "too short, by the odometer, to have reached a public road",
    "manual_log": "manual log entry",
}


def km(mm: int) -> str:
    """Kilometres with three decimals, cut, with thin thousands: 1234567890 → "1 234.567"."""
    whole, rest = divmod(mm, 1_000_000)
    return f"{whole:,}".replace(",", "\u202f") + f".{rest // 1000:03d}"


def percent(part_mm: int, whole_mm: int) -> str:
    """Share in per cent with one decimal, cut; "–" where there is no whole."""
    if whole_mm <= 0:
        return "–"
    tenths = part_mm * 1000 // whole_mm
    return f"{tenths // 10}.{tenths % 10} %"


def dollars(text: str) -> str:
    """`76.00` → `$76.00`; what is not a number ("unknown") stays as it is."""
    return f"${text}" if text[:1].isdigit() else text


def per_cent(text: str) -> str:
    """`99.1` → `99.1 %`; what is not a number stays as it is."""
    return f"{text} %" if text[-1:].isdigit() else text
