"""What the demo prints: one table of licences, the reasons, the verdict."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from deploy.demo.client import Json
from deploy.demo.verdict import Accuracy

STYLES: Final = {"lodged": "bold green", "claimable": "green", "not_claimable": "yellow", "claimed_outside": "cyan"}
SERIOUS: Final = ("fail", "unknown", "warn")
COLOURS: Final = {"fail": "red", "unknown": "magenta", "warn": "yellow"}


def km(mm: int) -> str:
    return f"{mm / 1_000_000:,.1f}"


def dollars(cents: int | None) -> str:
    return "unknown" if cents is None else f"${cents / 100:,.2f}"


def licence_table(rows: Sequence[tuple[Json, Json, str]]) -> Table:
    """(licence, statement, situation) a row."""
    table = Table(
        title="Per licence: kilometres by surface and what they are worth", title_justify="left", pad_edge=False
    )
    for name, justify in (
        ("plate", "left"), ("licence", "left"), ("situation", "left"), ("public", "right"), ("off road", "right"),
        ("unknown", "right"), ("claimable km", "right"), ("worth", "right"), ("state", "left"),
    ):  # fmt: skip
        table.add_column(name, justify=justify, no_wrap=name != "situation")  # type: ignore[arg-type]
    for licence, statement, situation in rows:
        totals: Mapping[str, Any] = statement["totals"]
        state = str(licence["state"])
        table.add_row(
            str(licence["plate"]), str(licence["number"]), situation, km(totals["public_mm"]), km(totals["off_road_mm"]),
            km(totals["unknown_mm"]), str(statement["claimable_km"]), dollars(statement["estimate_cents"]),
            f"[{STYLES.get(state, 'white')}]{state.replace('_', ' ')}[/]",
        )  # fmt: skip
    return table


def reasons(console: Console, rows: Sequence[tuple[Json, Json]]) -> None:
    """(licence, eligibility): why each may or may not be claimed."""
    console.print("\n[bold]Why it may or may not be claimed[/]")
    for licence, eligibility in rows:
        head = f"  {licence['plate']:>7}  {licence['number']}: "
        claimed = licence["state"] in {"lodged", "claimed_outside"}
        said = [f for f in eligibility["findings"] if f["outcome"] in SERIOUS]
        if not said:
            console.print(f"{head}[green]may be claimed:[/] every rule passes", soft_wrap=True)
        for number, finding in enumerate(said):
            lead = head if number == 0 else " " * len(head)
            if claimed and finding["rule"] == "EL4":
                console.print(f"{lead}[cyan]done[/] {finding['reason']}", soft_wrap=True)
                continue
            colour = COLOURS.get(finding["outcome"], "yellow")
            console.print(
                f"{lead}[{colour}]{finding['rule']} {finding['outcome']}[/] {finding['reason']}", soft_wrap=True
            )


def accuracy_line(found: Accuracy) -> str:
    return (
        f"estimate against truth: {km(found.estimated_off_mm)} of {km(found.true_off_mm)} true off-road km found; "
        f"over-claim {found.over_percent:.3f} %, under-claim {found.under_percent:.3f} % of true off-road km"
    )
