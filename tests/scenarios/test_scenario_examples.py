"""docs/scheme/1.md never lies: its figures are the scheme's, its pictures can be drawn again."""

from pathlib import Path

from deploy.demo.sample.scenarios.answers import Answers
from deploy.demo.sample.scenarios.examples import EXAMPLES, marked, picture, with_figures

SCHEME = Path(__file__).parents[2] / "docs" / "scheme"
PICTURE_BYTES_MAX = 60_000


def test_the_figures_of_the_worked_examples_are_what_the_scheme_says(answers: Answers) -> None:
    """Make them anew with `python -m deploy.demo.sample.scenarios --pictures docs/scheme/examples --figures docs/scheme/1.md`."""
    text = (SCHEME / "1.md").read_text("utf-8")
    assert marked(text) == [example.scenario for example in EXAMPLES]
    assert text == with_figures(text, answers.by_name)


def test_every_worked_example_has_a_small_picture_that_can_be_drawn_again(answers: Answers) -> None:
    text = (SCHEME / "1.md").read_text("utf-8")
    for example in EXAMPLES:
        committed = SCHEME / "examples" / f"{example.scenario}.svg"
        assert f"](examples/{committed.name})" in text
        assert 1_000 < committed.stat().st_size < PICTURE_BYTES_MAX
        assert example.caption in picture(example, answers)
