"""What a tenant's systems are told of, and how it is written: thin, so that it holds no personal data and needs no order."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

EVENT_TYPES: Final[Mapping[str, str]] = {
    "claim.lodged": "a claim was lodged (claim_id)",
    "claim.sent": "its form was sent to the Agency (claim_id)",
    "claim.received": "the Agency has it (claim_id)",
    "claim.returned": "the Agency sent it back (claim_id)",
    "claim.withdrawn": "it was withdrawn before it was sent (claim_id)",
    "claim.decided": "the Agency has answered for every line (claim_id)",
    "claim.answer_overdue": "the Agency's ten working days have passed without an answer (claim_id, due_on)",
    "claim_line.accepted": "the Agency accepted a line (claim_id, licence_id)",
    "claim_line.declined": "the Agency declined a line (claim_id, licence_id)",
    "claim_line.paid": "a line was paid (claim_id, licence_id)",
    "claim_line.set_off": "a line was set off against charges (claim_id, licence_id)",
    "claim_line.recovered": "money of a line was taken back (claim_id, licence_id)",
    "form.ready": "the form of a claim can be downloaded (claim_id, edition)",
    "disclosure.opened": "a lodged line would not be given as much today (disclosure_id, claim_id, licence_id)",
    "disclosure.closed": "by a person, or by a review: closed_as (disclosure_id, claim_id, licence_id, closed_as)",
    "application.ready": "an application for unused distance was made ready (application_id)",
    "application.sent": "it went to the Agency (application_id)",
    "application.received": "the Agency has it (application_id)",
    "application.granted": "the Agency granted it (application_id)",
    "application.declined": "the Agency declined it (application_id)",
    "application.withdrawn": "it was withdrawn (application_id)",
    "application.paid": "it was paid (application_id)",
    "application.set_off": "it was set off against charges (application_id)",
    "application.recovered": "money of it was taken back (application_id)",
    "application.answer_overdue": "the Agency's ten working days have passed without an answer (application_id, due_on)",
    "exemption.answer_overdue": "the Agency's three working days have passed without an answer (exemption_id, due_on)",
    "exemption.duty_due": "a duty of the exemption's holder is to be done today (exemption_id, duty, due_on)",
    "exemption.duty_overdue": "its day has passed, and nobody has reported it as done (exemption_id, duty, due_on)",
    "faulty_data.marked": "data were marked as faulty (mark_id)",
    "faulty_data.accepted": "an operator accepted the mark (mark_id)",
    "faulty_data.refused": "an operator refused it (mark_id)",
    "faulty_data.withdrawn": "it was withdrawn (mark_id)",
    "faulty_data.excluded": "the classifier has it (mark_id)",
    "faulty_data.applied": "the statements follow (mark_id)",
    "faulty_data.lifted": "its exclusion was lifted before it was applied (mark_id)",
    "verification.recorded": "a person verified a licence's statement (licence_id)",
    "licence.alert.run_out": "few kilometres are left (licence_id, due_on)",
    "licence.alert.run_out_soon": "very few kilometres are left (licence_id, due_on)",
    "licence.alert.used_up": "nothing is left (licence_id, due_on)",
    "licence.alert.will_not_be_used_up": "it will not be used up in its two years (licence_id, due_on)",
    "licence.alert.uncovered": "there was travel without a licence (licence_id, due_on)",
    "licence.alert.latest_receipt": "its latest receipt day is near (licence_id, due_on)",
    "licence.alert.too_late": "its claim was sent or received after that day (licence_id, due_on)",
    "licence.alert.ledger_broken": "what the ledger holds of it contradicts itself (licence_id, due_on)",
    "import.finished": "an import stored its lines (kind)",
    "webhook.disabled": "an endpoint was switched off after long failure (webhook_id)",
    "webhook.test": "somebody asked for a test; sent to the one endpoint only (webhook_id)",
}
"""Type → what happened, and the members of `data`."""
TEST: Final = "webhook.test"


def data_of(ids: Mapping[str, object]) -> str:
    """The event's `data` as stored: ids, days and kinds as text."""
    return json.dumps({name: str(value) for name, value in ids.items()}, separators=(",", ":"), ensure_ascii=False)


def body_of(tenant: UUID, event_id: UUID, event_type: str, created_at: datetime, data: str) -> bytes:
    """The same bytes for the same event, whenever and wherever it is sent: receivers compare and sign them."""
    head = {
        "id": str(event_id),
        "type": event_type,
        "timestamp": created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "tenant_id": str(tenant),
    }
    return json.dumps(head | {"data": json.loads(data)}, separators=(",", ":"), ensure_ascii=False).encode()
