"""`make demo` end to end on the sample fleet: the ten situations, documents, closure, and a second run that adds nothing."""

import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.demo_runs import DemoRun

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_the_demo_ends_well_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = DemoRun(tmp_path / "var", tmp_path / "out").end()
    assert first.code == 0, first.output[-6000:]
    forms = sorted((tmp_path / "out").glob("form-*.pdf"))
    reports = sorted((tmp_path / "out").glob("report-*.pdf"))
    claims, licences, _ = first.totals
    assert (len(forms), len(reports)) == (claims, licences)
    assert claims >= 1
    text = PdfReader(io.BytesIO(forms[0].read_bytes())).pages[0].extract_text()
    assert "Registration plate" in text
    first_bytes = forms[0].read_bytes()

    second = DemoRun(tmp_path / "var", tmp_path / "out").end()
    assert second.code == 0, second.output[-6000:]
    assert second.totals == first.totals
    assert forms[0].read_bytes() == first_bytes, "the lodged form must stay the same bytes (rule FO3)"
