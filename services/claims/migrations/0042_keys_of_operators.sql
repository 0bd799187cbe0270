-- What operators do to all tenants at once keeps its Idempotency-Key in its own transaction, which is the worker role's.
grant insert, update (status, body) on claims.idempotency to rucor_claims_worker;
