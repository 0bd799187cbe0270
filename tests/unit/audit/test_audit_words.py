"""Words, numbers and the paragraphs that sentences lead to."""

import pytest

from services.classifier.application.because import _BECAUSE
from services.classifier.application.paragraphs import TextMissing, named_in, paragraphs
from services.classifier.application.sentences import paragraph_numbers
from services.classifier.application.wording import clock, km, metres, minutes, odds, times
from services.classifier.domain.device_day import BASES
from services.classifier.domain.reasons import PARAGRAPHS
from services.classifier.domain.scheme import SCHEMES


def test_bounds_are_rounded_down_and_lengths_exact() -> None:
    assert (metres(181.99), times(9.99), times(36.9), odds(0.5)) == ("181 m", "9.9 times", "36 times", "1.6 times")
    assert (odds(10.3), odds(13.9), odds(400.0)) == ("20,000 times", "a million times", "a million times")
    assert (km(1_052_400), km(217_405), km(4_876)) == ("1.052 km", "217 m", "4.9 m")
    assert (minutes(470_000), minutes(59_000)) == ("7 min 50 s", "59 s")


def test_DI6_clocks_show_aucklands_time_summer_and_winter() -> None:
    assert clock(1_772_409_600_000) == "13:00:00"
    assert clock(1_783_036_800_000) == "12:00:00"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_paragraph_of_a_scheme_has_an_anchor_and_a_title(scheme: int) -> None:
    found = paragraphs(scheme)
    assert list(found) == list(range(1, len(found) + 1))
    for number, one in found.items():
        assert one.link == f"docs/scheme/{scheme}.md#p{number}"
        assert one.text.startswith(f"**{number}.")
        assert 3 <= len(one.title) <= 160, one
        assert "<a id" not in one.text


def test_every_basis_has_words_and_its_paragraphs_exist() -> None:
    text = paragraphs(1)
    for basis in BASES:
        assert basis in _BECAUSE
        assert named_in(PARAGRAPHS[basis])
        assert set(named_in(PARAGRAPHS[basis])) <= text.keys()


def test_paragraph_numbers_are_read_from_words() -> None:
    assert named_in("§§ 21, 27 not certain: nearest is Main Road (way 22)") == [21, 27]
    assert named_in("§22 on a mapped private way: B37 (way 29)") == [22]
    assert paragraph_numbers("so (paragraph 22, rule SU3); and (paragraphs 13 to 16) or (paragraphs 26 and 27)") == [
        22,
        13,
        16,
        26,
        27,
    ]


def test_a_scheme_without_text_says_so() -> None:
    with pytest.raises(TextMissing, match="scheme 99"):
        paragraphs(99)
