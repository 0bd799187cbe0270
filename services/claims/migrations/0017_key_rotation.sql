-- Rule RE3: which key a stored value is sealed with is its bytes 2 to 5, so that a rotation finds what is left to do, and the
-- service at its start which keys it needs, without opening anything.

create index claimant_by_bank_key on claims.claimant (substring(bank_sealed, 2, 4)) where bank_sealed is not null;
create index snapshot_by_key on claims.snapshot (substring(sealed, 2, 4));
create index document_by_key on claims.document (substring(sealed, 2, 4));
create index attachment_by_key on claims.attachment (substring(sealed, 2, 4));

grant select, update (bank_sealed) on claims.claimant to rucor_claims_worker;
grant select, update (sealed) on claims.attachment to rucor_claims_worker;
grant update (sealed) on claims.snapshot, claims.document to rucor_claims_worker;
