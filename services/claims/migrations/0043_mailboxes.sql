-- Two addresses are one mailbox where they differ in the case of ASCII letters alone (rule PA2): what a larger folding makes equal may be
-- somebody else's.  The present keys are coarser, so no two of a tenant become equal.

alter table claims.person no force row level security;
update claims.person set email_key = lower(email collate "C") where email <> '' and email_key <> lower(email collate "C");
alter table claims.person force row level security;
