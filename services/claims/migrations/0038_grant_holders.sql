-- A leave's holder is an operator's key or person by id, never a name, which anybody of the operator could take on (rule PA4).
-- A name that is exactly one person's of the operator becomes that person's id; leave for any other name ends here.

alter table claims.ops_grant no force row level security;
alter table claims.person no force row level security;
update claims.ops_grant as g set holder = (
    select p.id::text from claims.person as p where p.tenant_id = '00000000-0000-0000-0000-000000000000' and p.name = g.holder)
where g.ended_at is null and g.holder !~ '^[0-9a-f]{8}$' and (
    select count(*) from claims.person as p
    where p.tenant_id = '00000000-0000-0000-0000-000000000000' and p.name = g.holder) = 1;
update claims.ops_grant set ended_at = least(now(), until_at), ended_by = 'the holder was given by a name'
where ended_at is null and holder !~ '^[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$';
alter table claims.ops_grant force row level security;
alter table claims.person force row level security;

alter table claims.ops_grant add constraint ops_grant_holder_by_id
    check (ended_at is not null or holder ~ '^[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$') not valid;
alter table claims.ops_grant validate constraint ops_grant_holder_by_id;
