"""The RUCOR form (rules FO1-FO3) as PDF: a pure function of its snapshot and its template version."""

import tomllib
from functools import cache

from services.pdf.domain.form import FormError, Template, sheets
from services.pdf.render.documents import TEMPLATES, pdf
from shared.contracts.claim import FormSnapshot

FOLDERS = {"rucor-9row": "rucor_9row"}
"""Template version → folder.  Old versions stay for ever: a claim names the one it was lodged on."""


@cache
def template(version: str) -> tuple[Template, tuple[tuple[tuple[str, str], ...], ...]]:
    """The template's data and its reason codes as rows of three.  Raises FormError for an unknown version."""
    if version not in FOLDERS:
        raise FormError(f"no form template {version!r}; known: {', '.join(sorted(FOLDERS))}")
    data = tomllib.loads((TEMPLATES / FOLDERS[version] / "template.toml").read_text())
    codes = list(data["reason_codes"].items())
    depth = len(codes) // 3
    rows = tuple(tuple(codes[column * depth + row] for column in range(3)) for row in range(depth))
    return (
        Template(
            version=data["version"],
            effective_from=data["effective_from"],
            rows=data["rows"],
            customer_number_boxes=data["customer_number_boxes"],
            account_boxes=data["account_boxes"],
            email=data["send_to"]["email"],
            mail=tuple(data["send_to"]["mail"]),
        ),
        rows,
    )


def form_pdf(snapshot: FormSnapshot) -> bytes:
    """The form of a lodged claim, front and back for every sheet.  Raises FormError."""
    data, reason_rows = template(snapshot.template_version)
    values = {"s": snapshot, "template": data, "sheets": sheets(snapshot, data), "reason_rows": reason_rows}
    return pdf(FOLDERS[snapshot.template_version], "form", f"form:{snapshot.claim_id}", values)
