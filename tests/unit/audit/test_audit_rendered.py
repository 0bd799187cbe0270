"""A real renderer takes the picture, with its words as words."""

import base64
import io

import pypdf
import pytest
import weasyprint

from services.classifier.application.explain import draw_explanation
from services.classifier.roads.dataset import RoadSet
from tests.unit.audit.conftest import ask, hidden, paddocks


@pytest.mark.parametrize("pings", [paddocks, hidden])
def test_the_picture_prints(farm: RoadSet, pings: object) -> None:
    svg = draw_explanation(ask(pings(), farm, 300))  # type: ignore[operator]  # a function that makes them
    data = base64.b64encode(svg.encode()).decode()
    page = f'<style>@page{{size:A3;margin:0}}img{{width:100%}}</style><img src="data:image/svg+xml;base64,{data}">'
    pdf = pypdf.PdfReader(io.BytesIO(weasyprint.HTML(string=page).write_pdf()))
    assert len(pdf.pages) == 1
    text = pdf.pages[0].extract_text()
    for words in ("off road · ute-1", "Ridge Track", "start 13:0", "Counted as", "NZ time", "private way"):
        assert words.replace(" ", "") in text.replace(" ", ""), words
    assert len(pdf.pages[0].get_contents().get_data()) > 5_000  # type: ignore[union-attr]  # it has contents
