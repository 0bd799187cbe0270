-- By when the Agency answers (rules CL6, OT2 to OT4, EX1): the day whose passing was told last, so that it is told once.
alter table claims.claim add column answer_told date;
alter table claims.application add column answer_told date;
alter table claims.exemption add column answer_told date;
grant update (answer_told) on claims.claim, claims.application, claims.exemption to rucor_claims_api;
