-- Keys that end, are rotated and are seen to be used (shared/db/tables.sql).
-- Nullable columns without defaults: no table is rewritten.
alter table claims.api_key add column expires_at timestamptz;
alter table claims.api_key add column last_used_on date;  -- the NZ day
alter table claims.api_key add column old_secret_sha256 bytea;  -- the secret before the last rotation
alter table claims.api_key add column old_until timestamptz;
alter table claims.api_key add column requests_per_s int;  -- the key's own limit, set by operators alone
alter table claims.api_key add constraint api_key_limit_some check (requests_per_s > 0) not valid;
alter table claims.api_key validate constraint api_key_limit_some;
alter table claims.api_key add constraint api_key_old_whole check ((old_secret_sha256 is null) = (old_until is null)) not valid;
alter table claims.api_key validate constraint api_key_old_whole;

-- A tenant sees, makes and revokes its own keys; secrets go in and never out.
grant select (tenant_id, key_id, name, scopes, created_at, last_used_on, expires_at, revoked_at, old_until, requests_per_s),
    insert (tenant_id, key_id, name, secret_sha256, scopes, expires_at),
    update (revoked_at)
    on claims.api_key to rucor_claims_api;
create policy api_key_owner_change on claims.api_key for update to rucor_claims_owner using (true) with check (true);

-- As authenticate(), which the release before still calls, with what has been added since.
create function claims.find_api_key(wanted text)
returns table (
    tenant_id uuid, secret_sha256 bytea, scopes text[], revoked boolean, expires_at timestamptz, old_secret_sha256 bytea,
    old_until timestamptz, requests_per_s int, last_used_on date
)
language sql stable security definer set search_path = claims, pg_temp
as $$
    select k.tenant_id, k.secret_sha256, k.scopes, k.revoked_at is not null, k.expires_at, k.old_secret_sha256, k.old_until,
        k.requests_per_s, k.last_used_on
    from claims.api_key k where k.key_id = wanted
$$;
revoke all on function claims.find_api_key(text) from public;
grant execute on function claims.find_api_key(text) to rucor_claims_api, rucor_claims_worker;

create function claims.note_key_use(p_key text, p_on date) returns void
language sql security definer set search_path = claims, pg_temp
as $$
    update claims.api_key set last_used_on = p_on where key_id = p_key and (last_used_on is null or last_used_on < p_on)
$$;
revoke all on function claims.note_key_use from public;
grant execute on function claims.note_key_use to rucor_claims_api, rucor_claims_worker;

-- A new secret; the present one works until p_until.  The API's role only reaches the tenant of its transaction.
create function claims.rotate_key(p_tenant uuid, p_key text, p_secret bytea, p_until timestamptz) returns boolean
language plpgsql security definer set search_path = claims, pg_temp
as $$
begin
    if session_user = 'rucor_claims_api' and p_tenant is distinct from nullif(current_setting('rucor.tenant', true), '')::uuid then
        raise exception 'another tenant''s key' using errcode = 'insufficient_privilege';
    end if;
    update claims.api_key set old_secret_sha256 = secret_sha256, old_until = p_until, secret_sha256 = p_secret
    where tenant_id = p_tenant and key_id = p_key and revoked_at is null and (expires_at is null or expires_at > now());
    return found;
end $$;
revoke all on function claims.rotate_key from public;
grant execute on function claims.rotate_key to rucor_claims_api, rucor_claims_worker;
