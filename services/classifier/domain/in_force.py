"""Which rulings are in force for which device-days (rule SU7; scheme 1, paragraphs 37 and 38)."""

from typing import Final, NamedTuple

import numpy as np

from services.classifier.domain.fixes import EXCLUDED, Fixes
from services.classifier.domain.places import Places, places_of
from services.classifier.domain.rulings import Book, Exclusion, Land, Rulings
from shared.contracts.pings import Key

_NONE: Final = Rulings()


class InForce(NamedTuple):
    """Per window, and the polygons of all of them."""

    windows: list[Rulings] | None
    """None: no ruling anywhere."""
    places: Places
    words: list[Land | Exclusion]
    """The place in each row of `places`."""

    def name(self, w: int) -> str:
        """What a device-day's `land` names."""
        return self.windows[w].name if self.windows is not None else ""


def in_force(fixes: Fixes, keys: tuple[Key, ...], book: Book, gap_ms: int) -> InForce:
    """Rulings that the windows of `fixes` depend on."""
    windows = None
    if any(key[0] in book for key in keys):
        windows = [
            book[keys[key][0]].of_day(keys[key][1], day, gap_ms) if keys[key][0] in book else _NONE
            for key, day in zip(fixes.key.tolist(), fixes.day.tolist(), strict=True)
        ]
    return InForce(windows, *places_of(windows, len(fixes.key)))


def exclude(fixes: Fixes, windows: list[Rulings] | None) -> None:
    """Label the fixes in the time of an exclusion without a place: they take no part (paragraph 38)."""
    for w, one in enumerate(windows or ()):
        rows = slice(int(fixes.first[w]), int(fixes.first[w + 1]))
        for exclusion in one.exclusions:
            if not exclusion.wkb:
                low, high = np.searchsorted(fixes.ts_ms[rows], (exclusion.from_ms, exclusion.to_ms + 1))
                fixes.label[rows.start + int(low) : rows.start + int(high)] = EXCLUDED
