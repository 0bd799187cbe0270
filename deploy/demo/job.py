"""What the demo is to do: which roads, which pings, which register, what must come out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.register import Post
from deploy.demo.verdict import Expectation


@dataclass(frozen=True)
class Truth:
    """True off-road millimetres of one licence; `device` sums up the licences of one vehicle."""

    device: str
    off_road_mm: int


@dataclass(frozen=True)
class Job:
    title: str
    tenant: str
    roads: Path
    coverage: Path | None
    pings: Path
    posts: list[Post]
    person_completing: str
    expectations: list[Expectation] = field(default_factory=list)
    """Empty for data of one's own."""
    truth: Mapping[str, Truth] = field(default_factory=dict)
    """Licence ref → truth; empty where none is known."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Licence ref → the situation it shows, for the table."""
    refused_claim_rules: frozenset[str] = frozenset()
    """Rules that must refuse a claim as a whole (EL3: the claim under $20)."""
