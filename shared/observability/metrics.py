"""Every metric of the system, typed and in one place.  Never a vehicle, device, licence or tenant as a label.

Names are `ruc_<service>_<what>_<unit>[_total]`; the shared library's carry `shared` or its part (`stream`, `http`).
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

# --- HTTP edge -------------------------------------------------------------------------------------------------------
HTTP_REQUESTS: Final = Counter(
    "ruc_http_requests_total", "Requests answered, by route template and status.", ("method", "route", "status")
)
HTTP_SECONDS: Final = Histogram(
    "ruc_http_request_seconds",
    "Time from the request's head to the answer's end.",
    ("method", "route"),
    buckets=_SECONDS,
)
AUTH_REFUSED: Final = Counter(
    "ruc_http_auth_refused_total",
    "Requests refused for their key or token, by reason (missing, unknown, revoked, token, scope, grant).",
    ("reason",),
)
AUDIT_FAILED: Final = Counter(
    "ruc_http_audit_failed_total", "Rows that the audit log did not take: each is a request that was answered with 503."
)

# --- stream ----------------------------------------------------------------------------------------------------------
APPEND_SECONDS: Final = Histogram(
    "ruc_stream_append_seconds", "Time until an appended frame was durable.", ("topic",), buckets=_SECONDS
)
APPEND_FAILURES: Final = Counter(
    "ruc_stream_append_failures_total", "Appends given up at their deadline (the frame may still land).", ("topic",)
)
IN_FLIGHT_BYTES: Final = Gauge("ruc_stream_in_flight_bytes", "Bytes handed to the producer and not yet acknowledged.")
PRODUCER_REPLACED: Final = Counter(
    "ruc_stream_producer_replaced_total", "Producers replaced after a failed batch, by the error's name.", ("error",)
)
RECORDS: Final = Counter("ruc_stream_records_total", "Records handed to a consumer's loop.", ("topic",))
LAG: Final = Gauge("ruc_stream_lag_records", "Records between our position and the log's end.", ("topic", "partition"))
REBALANCES: Final = Counter("ruc_stream_rebalances_total", "Assignments received.", ("group",))
HINT_FAILURES: Final = Counter(
    "ruc_stream_hint_failures_total",
    "Committed-offset hints the broker refused: expected after a rebalance.",
    ("group",),
)
SUPERSEDED: Final = Counter("ruc_stream_superseded_total", "Compare-and-sets lost to another owner of a partition.")
PARTITIONS_FAILED: Final = Gauge(
    "ruc_stream_partitions_failed",
    "Partitions stopped because their log is not the one we read before. Page.",
    ("group",),
)
OUTBOX_RELAYED: Final = Counter("ruc_stream_outbox_relayed_total", "Outbox rows appended to their topic and deleted.")
OUTBOX_AGE: Final = Gauge("ruc_stream_outbox_oldest_seconds", "Age of the oldest row still in the outbox.")

# --- background loops ------------------------------------------------------------------------------------------------
LOOP_AGE: Final = Gauge(
    "ruc_shared_loop_beat_age_seconds", "Seconds since a background loop last came round.", ("loop",)
)
LOOP_FAILURES: Final = Counter(
    "ruc_shared_loop_failures_total",
    "Rounds of a background loop, or items of one, that broke unexpectedly: each has its traceback in the log. Page.",
    ("loop",),
)

# --- ingest ----------------------------------------------------------------------------------------------------------
INGEST_PINGS: Final = Counter(
    "ruc_ingest_pings_total", "Pings by outcome (accepted or the refusal's code).", ("outcome",)
)
INGEST_COMMIT_PINGS: Final = Histogram(
    "ruc_ingest_commit_pings",
    "Pings in one group commit.",
    buckets=(1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000),
)
INGEST_WAITING_BYTES: Final = Gauge("ruc_ingest_waiting_bytes", "Bytes of pings waiting for their group commit.")
INGEST_QUARANTINED: Final = Counter("ruc_ingest_quarantined_total", "Rows put into the quarantine, by code.", ("code",))

# --- classifier ------------------------------------------------------------------------------------------------------
CLASSIFIER_PINGS: Final = Counter("ruc_classifier_pings_total", "Fixes folded into device-days.")
CLASSIFIER_FOLD_SECONDS: Final = Histogram("ruc_classifier_fold_seconds", "Time of one kernel call.", buckets=_SECONDS)
CLASSIFIER_COMMIT_SECONDS: Final = Histogram(
    "ruc_classifier_commit_seconds", "Time of the one transaction of a round.", buckets=_SECONDS
)
CLASSIFIER_REVISIONS: Final = Counter("ruc_classifier_revisions_total", "Device-day revisions written.", ("settled",))
CLASSIFIER_WATERMARK_LAG: Final = Gauge(
    "ruc_classifier_watermark_lag_seconds", "Present minus the last tick folded, by lane.", ("partition", "lane")
)
CLASSIFIER_BITE: Final = Gauge(
    "ruc_classifier_bite",
    "Work beside live fixes in a round: rows of backfill, device-days of reprocessing.",
    ("kind",),
)
CLASSIFIER_ROAD_SETS: Final = Gauge("ruc_classifier_road_sets", "Road data sets that this process has open.")
CLASSIFIER_ROADS_HANDED_BACK: Final = Counter(
    "ruc_classifier_roads_handed_back_total", "Times that the pages of road data sets were handed back to bound memory."
)

CLASSIFIER_COMPACTED: Final = Counter("ruc_classifier_compacted_fixes_total", "Fixes written into chunks of evidence.")
CLASSIFIER_EVIDENCE_BYTES: Final = Gauge(
    "ruc_classifier_evidence_bytes", "Evidence on disk with its indexes, as chunks and as frames.", ("kind",)
)
CLASSIFIER_FRAMES_WAITING: Final = Gauge("ruc_classifier_evidence_frames_waiting", "Frames not yet compacted.")

# --- claims ----------------------------------------------------------------------------------------------------------
CLAIMS_REVISIONS: Final = Counter("ruc_claims_revisions_total", "Device-day revisions applied to the ledger.")
CLAIMS_WATERMARK_LAG: Final = Gauge(
    "ruc_claims_watermark_lag_seconds", "Present minus complete-through.", ("partition",)
)
CLAIMS_BROKEN: Final = Counter(
    "ruc_claims_broken_licences_total",
    "Licences of which no statement can be made, each once a process and cause: the log names it. Page.",
)
CLAIMS_LODGED: Final = Counter("ruc_claims_lodged_total", "Claims lodged.")
CLAIMS_REFUSED: Final = Counter("ruc_claims_refused_total", "Lodgings refused, by code.", ("code",))
CLAIMS_WEBHOOKS: Final = Counter(
    "ruc_claims_webhook_attempts_total", "Webhook attempts, by what became of the delivery.", ("state",)
)

# --- pdf -------------------------------------------------------------------------------------------------------------
PDF_SECONDS: Final = Histogram(
    "ruc_pdf_render_seconds", "Time to render one document.", ("document",), buckets=_SECONDS
)
