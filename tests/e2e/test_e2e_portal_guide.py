"""The portal developer's guide, run as it is written: from nothing to a lodged claim with its form."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide" / "portal.md"
END = "trap 'kill $(jobs -p) 2>/dev/null && wait' EXIT\n"
LIMIT_S = 540

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_guide_ends_in_a_lodged_claim_with_its_form(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    script = tmp_path / "guide.sh"
    script.write_text(END + "".join(blocks))
    work = tmp_path / "work"
    beside = {
        "DATA": str(tmp_path / "var"),
        "WORK": str(work),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    told = {name: value for name, value in os.environ.items() if not name.startswith("RUCOR_")} | beside
    log = (tmp_path / "guide.log").open("w+")
    with log:
        code = subprocess.run(
            ["bash", "-euo", "pipefail", str(script)],
            cwd=ROOT,
            env=told,
            stdout=log,
            stderr=log,
            timeout=LIMIT_S,
            check=False,
        ).returncode
        log.seek(0)
        said = log.read()
    assert code == 0, said[-6000:]
    claim = json.loads((work / "claim.json").read_text())
    assert (claim["state"], len(claim["lines"])) == ("lodged", 1)
    assert claim["totals"]["claimable_km"] > 0
    assert json.loads((work / "history.json").read_text())["state"] == "sent"
    form = (work / "form.pdf").read_bytes()
    assert "Hill Farms Limited" in PdfReader(io.BytesIO(form)).pages[0].extract_text()
    assert PdfReader(io.BytesIO((work / "report.pdf").read_bytes())).pages
