-- An ID token is exchanged once (rule PA2), however many processes there are and whoever comes with it.  It is of no tenant yet, so neither
-- is this table, which nobody reaches but through the function: hashes of what was signed, kept for as long as it could be believed.
create table claims.id_token_used (
    signed_sha256 bytea not null constraint id_token_used_pk primary key
        constraint id_token_used_length check (octet_length(signed_sha256) = 32),
    believed_until timestamptz not null
);
create index id_token_used_over on claims.id_token_used (believed_until);

-- True at the first time; the caller's clock says which are over.
create function claims.use_id_token(p_signed bytea, p_until timestamptz, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = claims, pg_temp
as $$
begin
    delete from claims.id_token_used where signed_sha256 in (
        select u.signed_sha256 from claims.id_token_used as u where u.believed_until < p_now
        order by u.believed_until limit 100 for update skip locked);
    insert into claims.id_token_used (signed_sha256, believed_until) values (p_signed, p_until) on conflict do nothing;
    return found;
end $$;
revoke all on function claims.use_id_token from public;
grant execute on function claims.use_id_token to rucor_claims_api;
