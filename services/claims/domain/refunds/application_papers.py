"""How each kind of application is made: by what form, where, and what the sources leave open (rules OT2, OT3, OT4)."""

from dataclasses import dataclass
from typing import Final

from services.claims.domain.refunds.application_life import ApplicationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How an application reaches the Agency."""

    form: str
    channels: tuple[str, ...]
    where: str
    steps: tuple[str, ...]
    afterwards: tuple[str, ...]
    source: str
    not_stated: str
    """What the sources do not say, for a person to ask; "" where nothing is open."""


WAYS: Final[dict[ApplicationKind, Way]] = {
    "surrender": Way(
        form="the Agency's online application to surrender a licence",
        channels=("online",),
        where="the Agency's website",
        steps=(
            "Have the plate number, the licence label with its number, and the present reading at hand.",
            "Add a screenshot, scan or photo from the bank that shows its logo, your name and the account number.",
        ),
        afterwards=(
            "It is decided within ten working days.",
            "Once it is approved the licence is void: destroy the label. A label in use is invoiced for what was refunded.",
            "Buy another licence before the vehicle travels on a road again.",
        ),
        source="nzta-ruc-reduction-2022.txt lines 127-157",
        not_stated="The page is of the scheme of 2022: check that surrendering is still offered on these terms.",
    ),
    "recorder_change": Way(
        form="RUCHO, change of hubodometer",
        channels=("agent", "phone"),
        where="a RUC agent, over the counter, or the RUC contact centre, which sends the form",
        steps=(
            "Replace the old hubodometer and buy the replacement licence first.",
            "Give the reading at which the old one was found unserviceable, or the calculated estimate where it was lost.",
            "For a powered vehicle give the odometer's reading too.",
        ),
        afterwards=("Keep the old hubodometer until the refund is decided.",),
        source="nzta-refunds.txt lines 47-51; Act s 32, s 35",
        not_stated="",
    ),
    "cancelled_vehicle": Way(
        form="MR15, application to cancel registration, made before; then the refund of the unused distance",
        channels=("agent", "email", "post", "phone"),
        where="the cancellation: an agent of the Agency, with the number plates",
        steps=(
            "Cancel the registration first: form MR15 records the distance recorder's reading on that day.",
            "Ask for the refund of what is unused beyond that reading.",
        ),
        afterwards=("Refunds are paid into the claimant's New Zealand bank account.",),
        source="nzta-refunds.txt lines 53-57",
        not_stated="The page names no form and no address for the refund itself: ask the RUC contact centre.",
    ),
}
