"""How every client of ours reaches Kafka, and what its absence is called."""

from typing import Any, Final

from aiokafka.helpers import create_ssl_context

from shared.errors import Retryable
from shared.settings import KafkaSettings

REQUEST_TIMEOUT_MS: Final = 60_000
"""Above the longest time a partition is without a leader: a leaderless batch that expires burns its sequence number."""
CONTROL_TIMEOUT_MS: Final = 10_000
"""For small questions (metadata, offsets), where waiting longer only hides a hanging connection."""


class StreamUnavailable(Retryable):
    """Kafka did not do it in time.  An append may still land later: readers are idempotent."""


def client_options(settings: KafkaSettings, client: str) -> dict[str, Any]:
    """Keyword arguments common to aiokafka's producer, consumer, admin and plain client."""
    authenticated = bool(settings.kafka_username)
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "client_id": client,
        "security_protocol": ("SASL_" if authenticated else "") + ("SSL" if settings.kafka_tls else "PLAINTEXT"),
    }
    if settings.kafka_tls:
        options["ssl_context"] = create_ssl_context(cafile=settings.kafka_ca_file)
    if authenticated:
        options |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options
