-- First answers of idempotent requests go after a month, by the worker (rule RE1): nobody repeats a request then.
grant select (tenant_id, key, created_at), delete on classifier.idempotency to rucor_classifier_worker;
