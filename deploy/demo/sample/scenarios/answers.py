"""What the scheme says of every scenario: one road data set, one call of the kernel, closed as `rucor classify` closes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.demo.sample.scenarios.drive import Driven, drive, read_pings, write_pings
from deploy.demo.sample.scenarios.plan import Scenario
from deploy.demo.sample.scenarios.spoken import book_of
from deploy.demo.sample.scenarios.world import write_world
from services.classifier.domain.closed import ClosedDay, ClosedSegment, close_day
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import Book
from services.classifier.domain.scheme import V1
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings


@dataclass(frozen=True)
class Answer:
    driven: Driven
    outcomes: tuple[DayOutcome, ...]
    closed: tuple[ClosedDay, ...]

    @property
    def segments(self) -> tuple[ClosedSegment, ...]:
        """In order of time, closed on the device's odometer."""
        return tuple(part for day in self.closed for part in day.segments)

    def said_m(self, surface: str, basis: str = "") -> float:
        """Closed metres of a surface, or of one basis of it."""
        mm = sum(part.mm for part in self.segments if part.surface == surface and basis in {"", part.basis})
        return mm / 1000.0

    @property
    def off_m(self) -> float:
        return self.said_m("off_road")

    @property
    def true_off_m(self) -> float:
        return self.driven.off_m()

    @property
    def over_m(self) -> float:
        """Claimed beyond the truth; negative where less is claimed."""
        return self.off_m - self.true_off_m

    @property
    def by_basis(self) -> dict[tuple[str, str], float]:
        sums: dict[tuple[str, str], float] = defaultdict(float)
        for part in self.segments:
            sums[part.surface, part.basis] += part.mm / 1000.0
        return dict(sums)

    def why(self, surface: str, basis: str = "") -> set[str]:
        """The reasons given for a surface's segments."""
        return {part.why for part in self.segments if part.surface == surface and basis in {"", part.basis}}

    @property
    def incidents(self) -> tuple[str, ...]:
        return tuple(words for outcome in self.outcomes for words in outcome.incidents)


@dataclass(frozen=True)
class Answers:
    roads: RoadSet
    pings: Pings
    book: Book
    by_name: dict[str, Answer]

    def __getitem__(self, name: str) -> Answer:
        return self.by_name[name]


def answer_all(folder: Path, scenarios: Sequence[Scenario]) -> Answers:
    """Drive, build and classify in `folder`."""
    sites = list(dict.fromkeys(scenario.site for scenario in scenarios))
    driven = [drive(scenario) for scenario in scenarios]
    roads = build([(made := write_world(folder, sites))[0]], folder / "sets", made[1])
    pings = read_pings(write_pings(folder / "pings.ndjson", driven), driven)
    found: dict[str, list[DayOutcome]] = defaultdict(list)
    book = book_of(driven)
    for outcome in classify_days(pings, None, roads, V1, book):
        found[outcome.key[1]].append(outcome)
    answers = {
        one.scenario.name: Answer(one, tuple(days := found[one.scenario.name]), tuple(close_day(day) for day in days))
        for one in driven
    }
    return Answers(roads, pings, book, answers)
