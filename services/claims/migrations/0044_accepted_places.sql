-- A tenant registers whom it likes, by any e-mail or account; that person acts there once they have named the tenant at a sign-in (rule PA2,
-- design G6): until then the registration changes nothing about where they sign in, and tells them nothing.
alter table claims.person_identity add column accepted_at timestamptz;
grant update (accepted_at) on claims.person_identity to rucor_claims_api;

alter table claims.person_identity no force row level security;
update claims.person_identity set accepted_at = since where by = 'sign-in' and ended_at is null;
alter table claims.person_identity force row level security;

-- As people_who_are(), which the release before still calls, of active people with a role alone, and with what they have accepted.
create function claims.sign_in_places(the_issuer text, the_subject text, the_email_key text)
returns table (tenant_id uuid, person_id uuid, linked boolean, accepted boolean)
language sql stable security definer set search_path = claims, pg_temp
as $$
    select found.tenant_id, found.person_id, found.linked, found.accepted from (
        select i.tenant_id, i.person_id, true as linked, i.accepted_at is not null as accepted
        from claims.person_identity i
        where i.issuer = the_issuer and i.subject = the_subject and i.ended_at is null
        union all
        select p.tenant_id, p.id, false, false
        from claims.person p
        where p.email_key = the_email_key and not exists (
            select from claims.person_identity i
            where i.tenant_id = p.tenant_id and i.ended_at is null
                and (i.person_id = p.id or (i.issuer = the_issuer and i.subject = the_subject)))
    ) as found
    where not exists (
            select from claims.person_leave l
            where l.tenant_id = found.tenant_id and l.person_id = found.person_id and l.ended_at is null)
        and exists (
            select from claims.person_role r
            where r.tenant_id = found.tenant_id and r.person_id = found.person_id and r.ended_at is null)
    order by found.tenant_id
$$;
revoke all on function claims.sign_in_places(text, text, text) from public;
grant execute on function claims.sign_in_places(text, text, text) to rucor_claims_api;
