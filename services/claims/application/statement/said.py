"""What people said of licences and what holds them back, found by licence and by device: what was said of a claim's hundreds of
licences is not walked once for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.claims.application.statement.binding import earlier_of, looks_of, taken_of, verifications_of, waivers_of
from services.claims.domain.claim.second_application import EarlierLine
from services.claims.domain.claim.taken import Taken
from services.claims.domain.findings import Waiver
from services.claims.domain.statement.usual_share import Look
from services.claims.domain.statement.verification import Verification
from services.claims.repo.earlier import EarlierRow
from services.claims.repo.expected import AcknowledgementRow
from services.claims.repo.licences import VerificationRow
from services.claims.repo.parties import WaiverRow
from services.claims.repo.records import Register, grouped
from services.claims.repo.taken import TakenRow
from shared.contracts.device_day import Hold


@dataclass(frozen=True)
class Said:
    _waivers: Mapping[UUID | None, list[WaiverRow]]
    _verifications: Mapping[UUID, list[VerificationRow]]
    _looks: Mapping[UUID, list[AcknowledgementRow]]
    _holds: Mapping[str, list[Hold]]
    _earlier: Mapping[UUID, list[EarlierRow]]
    _taken: Mapping[UUID, list[TakenRow]]

    @classmethod
    def of(cls, register: Register, holds: Sequence[Hold]) -> "Said":
        return cls(
            grouped(register.waivers, lambda row: row.licence_id),
            grouped(register.verifications, lambda row: row.licence_id),
            grouped(register.acknowledgements, lambda row: row.licence_id),
            grouped(holds, lambda hold: hold.device),
            grouped(register.earlier, lambda row: row.licence_id),
            grouped(register.taken, lambda row: row.licence_id),
        )

    def waivers(self, licence_id: UUID) -> tuple[Waiver, ...]:
        return waivers_of(self._waivers.get(licence_id, []), licence_id)

    def verifications(self, licence_id: UUID) -> tuple[Verification, ...]:
        return verifications_of(self._verifications.get(licence_id, []), licence_id)

    def looks(self, licence_id: UUID) -> tuple[Look, ...]:
        return looks_of(self._looks.get(licence_id, []), licence_id)

    def earlier(self, licence_id: UUID) -> tuple[EarlierLine, ...]:
        return earlier_of(self._earlier.get(licence_id, []))

    def holds(self, devices: Sequence[str]) -> tuple[Hold, ...]:
        return tuple(hold for device in devices for hold in self._holds.get(device, ()))

    def taken(self, licence_id: UUID) -> tuple[Taken, ...]:
        return taken_of(self._taken.get(licence_id, []))
