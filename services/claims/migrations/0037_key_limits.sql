-- A key that a limited key makes is limited as it is (shared/db/tables.sql); the limit of one that is there stays the operators' alone.
grant insert (requests_per_s) on claims.api_key to rucor_claims_api;
