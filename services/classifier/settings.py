"""Settings of the classifier: the common ones, where road data sets lie, and every limit with a name and a number."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import ServiceSettings


class ClassifierSettings(ServiceSettings):
    service: ClassVar[str] = "classifier"

    port: int = Field(default=8082, ge=0, le=65_535)
    requests_per_s_per_key: int = Field(default=50, ge=1)
    roads_dir: Path
    """Folder of data-set folders, as `rucor roads build --out` makes them."""
    internal_token: SecretStr = Field(min_length=16)
    """What our own services show to read tracks."""
    cadence_ms: int = Field(default=1_000, ge=0, le=60_000)
    """Least time from one round of the fold to the next; what comes in meanwhile is computed in one call."""
    cache_rows_max: int = Field(default=2_000_000, ge=10_000)
    """Fixes kept in memory, about 75 bytes each; what is not there is read again from evidence."""
    roads_resident_mb: int = Field(default=160, ge=100)
    """Mapped files that stay in memory, about 130 MB of programs and libraries among them; above it the pages of road data sets
    are handed back after a kernel call, and read again when they are needed."""
    compact_delay_s: int = Field(default=3 * 3_600, ge=0, le=30 * 86_400)
    """A settled day's late fixes are waited for so long before its evidence is compacted."""
    compact_quiet_s: int = Field(default=3_600, ge=0, le=30 * 86_400)
    """So long, by the ticks, a frame stays a frame after it came."""
