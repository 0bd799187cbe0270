-- A display that turned over shows the same readings again (rule VE2).  `turned`: what full turns before a licence's start add to its
-- readings; with it ranges lie on the recorder's series, and the same readings a turn later are other kilometres (rule LI4).
alter table claims.licence add column turned bigint not null default 0 constraint licence_turned_not_negative check (turned >= 0);
alter table claims.licence alter column claimable set expression as (
    case when kind = 'additional' then 'empty'::int8range
    else int8range(start_reading + turned, claimable_end_reading + turned, '(]') end);
grant update (turned) on claims.licence to rucor_claims_api;

alter table claims.lodged_licence add column turned bigint not null default 0;
-- squawk-ignore adding-field-with-default
alter table claims.lodged_licence add column on_series int8range not null generated always as (
    int8range(lower(claimed) + turned, upper(claimed) + turned)) stored;
-- squawk-ignore ban-drop-constraint
alter table claims.lodged_licence drop constraint lodged_range_once;
-- squawk-ignore constraint-missing-not-valid
alter table claims.lodged_licence add constraint lodged_range_once
    exclude using gist (tenant_id with =, recorder_id with =, on_series with &&) where (released_at is null);

-- As before; where the licence lies on the series is the licence's own, not the caller's word.
create or replace function claims.lodge_licence(
    p_tenant uuid, p_id uuid, p_licence uuid, p_recorder uuid, p_claimed int8range,
    p_licence_hash bytea, p_plate_licence_hash bytea, p_kind text, p_source uuid
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into claims.lodged_licence
        (tenant_id, id, licence_id, recorder_id, claimed, licence_hash, plate_licence_hash, kind, source_id, turned)
    values (p_tenant, p_id, p_licence, p_recorder, p_claimed, p_licence_hash, p_plate_licence_hash, p_kind, p_source,
        coalesce((select l.turned from claims.licence l where l.tenant_id = p_tenant and l.id = p_licence), 0))
$$;

-- As before, with `turned` among what never changes.
create or replace function claims.guard_lodged_licence() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if current_user = 'rucor_claims_owner' and current_setting('rucor.erasing', true) = old.tenant_id::text then
            return old;
        end if;
        raise exception 'lodged_licence rows are never deleted' using errcode = 'restrict_violation';
    end if;
    if old.released_at is not null or new.released_at is null
        or (new.tenant_id, new.id, new.licence_id, new.recorder_id, new.claimed, new.turned, new.licence_hash, new.plate_licence_hash,
            new.kind, new.source_id, new.lodged_at)
        is distinct from
           (old.tenant_id, old.id, old.licence_id, old.recorder_id, old.claimed, old.turned, old.licence_hash, old.plate_licence_hash,
            old.kind, old.source_id, old.lodged_at) then
        raise exception 'lodged_licence rows change once only, by release' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
