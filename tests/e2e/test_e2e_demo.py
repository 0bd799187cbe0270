"""`make demo` end to end on the sample fleet: the ten situations, documents, closure, and a second run that adds nothing."""

import io
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.demo_runs import DemoRun

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def test_the_demo_ends_well_with_its_documents(tmp_path: Path) -> None:
    end = DemoRun(tmp_path / "var", tmp_path / "out").end()
    assert end.code == 0, end.output[-6000:]
    claims, licences, _ = end.totals
    forms = sorted((tmp_path / "out").glob("form-*.pdf"))
    reports = sorted((tmp_path / "out").glob("report-*.pdf"))
    assert (len(forms), len(reports)) == (claims, licences)
    assert claims == 1
    assert "Registration plate" in PdfReader(io.BytesIO(forms[0].read_bytes())).pages[0].extract_text()
    for report in reports:
        assert "Off-road travel report" in PdfReader(io.BytesIO(report.read_bytes())).pages[0].extract_text()


@pytest.mark.slow
def test_a_second_demo_on_the_same_data_adds_nothing(tmp_path: Path) -> None:
    first = DemoRun(tmp_path / "var", tmp_path / "out").end()
    assert first.code == 0, first.output[-6000:]
    form = next((tmp_path / "out").glob("form-*.pdf"))
    lodged = form.read_bytes()
    second = DemoRun(tmp_path / "var", tmp_path / "out").end()
    assert second.code == 0, second.output[-6000:]
    assert second.totals == first.totals
    assert form.read_bytes() == lodged, "the lodged form must stay the same bytes (rule FO3)"


@pytest.mark.corpus
@pytest.mark.slow
def test_real_roads_and_pings_go_the_same_way(tmp_path: Path, corpus: Path) -> None:
    end = DemoRun(
        tmp_path / "var", tmp_path / "out", "--roads", str(corpus / "roads/isle-of-man.osm.pbf"),
        "--pings", str(corpus / "iom-days/pings.ndjson.gz"), "--truth", str(corpus / "iom-days/truth.csv"),
    ).end()  # fmt: skip
    assert end.code == 0, end.output[-6000:]
    claims, licences, _ = end.totals
    assert claims == 1
    assert len(list((tmp_path / "out").glob("report-*.pdf"))) == licences
    assert "an actual reading" in end.output, "a device without an odometer must say why it is not claimable"
