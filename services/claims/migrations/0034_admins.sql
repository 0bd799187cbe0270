-- The role admin (rule PA2): of a tenant's own people, who manage its people, keys, webhooks, audit log and leave for operators.
-- squawk-ignore ban-drop-constraint
alter table claims.person_role drop constraint person_role_known;
alter table claims.person_role add constraint person_role_known
    check (role in ('preparer', 'verifier', 'viewer', 'auditor', 'admin', 'ops')) not valid;
alter table claims.person_role validate constraint person_role_known;
