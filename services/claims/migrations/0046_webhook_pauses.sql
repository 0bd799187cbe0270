-- A receiver that answers 429 or 503 with Retry-After is left alone until then, with all its deliveries.
alter table claims.webhook_endpoint add column paused_until timestamptz;
grant update (paused_until) on claims.webhook_endpoint to rucor_claims_api, rucor_claims_worker;
