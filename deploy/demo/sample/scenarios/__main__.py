"""`python -m deploy.demo.sample.scenarios`: what the scheme says of every scenario; the pictures and figures of its doc."""

import tempfile
from pathlib import Path

import click


@click.command()
@click.option("--pictures", type=click.Path(file_okay=False, path_type=Path), help="Write the examples' SVGs here.")
@click.option(
    "--figures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Document whose figures are made anew.",
)
def main(pictures: Path | None, figures: Path | None) -> None:
    """One line a scenario: true off-road metres, what the scheme calls off road, and the difference."""
    from deploy.demo.sample.scenarios.answers import answer_all
    from deploy.demo.sample.scenarios.catalogue import ALL
    from deploy.demo.sample.scenarios.examples import with_figures, write_pictures

    with tempfile.TemporaryDirectory() as folder:
        answers = answer_all(Path(folder), ALL)
        for name, one in answers.by_name.items():
            click.echo(
                f"{name:26} {one.true_off_m:10,.0f} {one.off_m:10,.0f} {one.over_m:+10,.0f}   {one.driven.scenario.title}"
            )
        if pictures is not None:
            for path in write_pictures(pictures, answers):
                click.echo(f"{path} ({path.stat().st_size / 1000:.0f} kB)")
        if figures is not None:
            figures.write_text(with_figures(figures.read_text("utf-8"), answers.by_name), "utf-8")


if __name__ == "__main__":
    main()
