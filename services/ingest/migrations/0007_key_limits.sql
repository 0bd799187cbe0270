-- A key that a limited key makes is limited as it is (shared/db/tables.sql); the limit of one that is there stays the operators' alone.
grant insert (requests_per_s) on ingest.api_key to rucor_ingest_api;
