"""Settings of ingest: the common ones, and every limit with a name and a number."""

from pathlib import Path
from typing import ClassVar, Final

from pydantic import Field, SecretStr

from services.ingest.domain.acceptance import DAY_MS, ClockPolicy
from shared.settings import ServiceSettings

PINGS_MAX: Final = 10_000
"""Pings in one request."""
BODY_BYTES_MAX: Final = 10_000_000
"""Bytes of one request's body, as sent and again once decoded."""
TICK_S: Final = 5.0


class IngestSettings(ServiceSettings):
    service: ClassVar[str] = "ingest"

    port: int = Field(default=8081, ge=0, le=65_535)
    internal_token: SecretStr = Field(min_length=16)
    """What claims shows to tell which refused rows are kept."""
    requests_per_s_per_key: int = Field(default=1_000, ge=1)
    """A request, not a ping: how many pings a key may send is `pings_per_s_per_key`."""
    clock_ahead_s_max: int = Field(default=300, ge=0)
    """A fix further in the future is refused (`ts_future`)."""
    fix_age_days_max: int = Field(default=800, ge=1)
    """An older fix is refused (`ts_too_old`): two years to claim, and then some."""
    backfill_age_h: int = Field(default=72, ge=1)
    """A fix that is older when it comes goes to the backfill lane, where it delays no live one (policy: the late window)."""
    pings_per_s_per_key: int = Field(default=200_000, ge=1)
    burst_s: int = Field(default=10, ge=1)
    """A key that was silent may send this many seconds' worth at once."""
    quarantine_rows_per_hour: int = Field(default=20_000, ge=0)
    """Refused rows kept for each tenant; what is above is answered with its reason but not kept."""
    in_flight_bytes_max: int = Field(default=64_000_000, ge=BODY_BYTES_MAX * 2)
    """Bytes of bodies between their first byte and their answer, half of them of one tenant; above it the answer is 503."""
    commit_deadline_s: float = Field(default=10.0, gt=0)
    """Pings that are not durable by then are answered with 503; they may still land, which is harmless."""
    space_path: Path | None = None
    """A folder on the disk whose free space matters (the embedded stack's data folder); none = not watched."""
    space_bytes_min: int = Field(default=512_000_000, ge=0)

    def clock_policy(self) -> ClockPolicy:
        return ClockPolicy(self.clock_ahead_s_max * 1000, self.fix_age_days_max * DAY_MS)
