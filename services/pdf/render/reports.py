"""The report of one licence (rule CL8) as PDF: figures, map, daily table, findings, what the figures stand on."""

from typing import Final

from services.pdf.domain.figures import BASIS_WORDS, SURFACE_WORDS
from services.pdf.domain.map import draw
from services.pdf.render.documents import pdf
from shared.contracts.claim import LicenceReport

COLOURS: Final = {
    "public_road": "#0072b2",
    "off_road": "#d55e00",
    "unknown": "#6b7680",
    "carried": "#009e73",
    "uncovered": "#a05aa0",
}
"""Okabe and Ito's palette: told apart by colour-blind readers; unknown is dashed besides."""
ROAD_COLOURS: Final = {"public_road": "#cfd6db", "off_road": "#efd3bd"}


def report_pdf(report: LicenceReport) -> bytes:
    """The report, whatever the licence's state; marked *not claimed* until it is."""
    whole = report.totals.public_mm + report.totals.off_road_mm + report.totals.unknown_mm
    drawn = draw(report.tracks, report.roads)
    values = {
        "r": report,
        "whole": whole,
        "undated": report.totals.unknown_mm - sum(day.unknown_mm for day in report.days),
        "undated_uncovered": report.totals.uncovered_mm - sum(day.uncovered_mm for day in report.days),
        "others": bool(report.totals.carried_mm or report.totals.uncovered_mm),
        "map": drawn,
        "colours": COLOURS,
        "road_colours": ROAD_COLOURS,
        "words": SURFACE_WORDS,
        "surfaces": [s for s in COLOURS if drawn is not None and any(line.surface == s for line in drawn.tracks)],
        "basis_words": BASIS_WORDS,
    }
    return pdf("report", "report", f"report:{report.licence_number}:{report.generated_on}", values)
