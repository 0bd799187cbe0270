"""Golden hashes: scheme 1 gives these numbers for ever (design section 5).  A change here is a change of scheme: a new number."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from services.classifier.domain.device_day import classify_days
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.domain.scheme import SCHEMES, V1
from services.classifier.domain.versions import VERSIONS, UnknownSchemeError, classify, trace
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import concat
from tests.property.kernel.rulings import district_book
from tests.property.kernel.streams import wild_stream
from tests.unit.kernel.test_kernel_areas import BEACH, CAR_PARK, SURFACE
from tests.unit.kernel.world import DISTRICT, drive, road_set, to_pings

SET = "253da1740c2efb63"
DRIVES = "ee99fef143f4c70e"
AREAS, RULED = "48249d82c8fd71d8", "346d1d6bb4b62892"
WILD = "e0c7ae34d0f34e11"


def digest(seed: int, roads: RoadSet, book: Book = NO_BOOK) -> str:
    """Hash of every revision of a stream; seed -1: calm drives, else a wild stream."""
    calm = [
        to_pings(
            drive([(0, 2_900), (0, 0), (4_000, 0)], 11.0, every), device=f"d{every}", noise_m=4.0, odometer=9_000.0
        )
        for every in (1.0, 7.0, 30.0, 60.0)
    ]
    days = classify(1, concat(calm) if seed < 0 else wild_stream(seed, 6_000), None, roads, book)
    revisions = [day.revision(1, True, "district") for day in days]
    return hashlib.sha256(msgspec.json.encode(revisions)).hexdigest()[:16]


def with_areas(folder: Path) -> RoadSet:
    """The district with a car park, a beach and a road drawn as a surface."""
    return road_set(folder, (*DISTRICT, CAR_PARK, BEACH, SURFACE))


def test_the_data_set_of_the_district_is_the_same_bytes(district: RoadSet) -> None:
    assert district.name == SET


def test_scheme_1_gives_the_same_revisions(district: RoadSet, tmp_path: Path) -> None:
    assert SCHEMES[1] == VERSIONS[1].scheme == V1
    assert (digest(-1, district), digest(77, district)) == (DRIVES, WILD)
    assert (digest(78, with_areas(tmp_path)), digest(79, district, district_book())) == (AREAS, RULED)


def test_every_version_is_called_by_its_number_and_no_other(district: RoadSet) -> None:
    pings = wild_stream(3, 600)
    days = classify(1, pings, None, district)
    assert days == classify_days(pings, None, district, V1)
    assert {day.scheme for day in days} == {1}
    assert trace(1, pings, days[0].key, days[0].day, district).outcome == days[0]
    with pytest.raises(UnknownSchemeError, match=r"scheme 2 is not known to this release; it knows \[1\]"):
        classify(2, pings, None, district)


@pytest.mark.slow
def test_scheme_1_on_another_cpu(district: RoadSet, tmp_path: Path) -> None:
    """The same bits without the wide instructions of this machine: compiled for a plain CPU, numpy without its dispatch."""
    code = (
        "import sys, pathlib\n"
        "from services.classifier.roads.dataset import RoadSet\n"
        "from tests.unit.kernel.test_kernel_golden import digest\n"
        "from tests.property.kernel.rulings import district_book\n"
        "roads, areas = (RoadSet.open(pathlib.Path(one)) for one in sys.argv[1:])\n"
        "print(digest(-1, roads), digest(77, roads), digest(78, areas), digest(79, roads, district_book()))\n"
    )
    plain = {
        "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
        "RUCOR_CACHE_DIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, str(district.path), str(with_areas(tmp_path).path)],
        env=os.environ | plain,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [DRIVES, WILD, AREAS, RULED]
