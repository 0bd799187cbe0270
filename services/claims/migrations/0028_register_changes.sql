-- The register is corrected in the open (rule RE2: a person may have what is wrong about them put right).  What was there before stays
-- readable: claims name what they stood on "as known at lodging" (design G5).

create table claims.register_change (
    tenant_id uuid not null constraint register_change_tenant_fk references claims.tenant,
    id uuid not null,
    kind text not null constraint register_change_kind_known check (kind in ('claimant', 'licence', 'reading')),
    subject_id uuid not null,  -- no foreign key: what was struck is here alone
    act text not null constraint register_change_act_known check (act in ('corrected', 'struck')),
    fields text[] not null,  -- corrected: which; of a claimant their names alone, the values are personal
    before jsonb,  -- what it said; null for claimants
    reason text not null constraint register_change_reason_given check (reason <> ''),
    actor text not null constraint register_change_actor_given check (actor <> ''),
    created_at timestamptz not null,
    constraint register_change_pk primary key (tenant_id, id),
    constraint register_change_before_kept check ((before is null) = (kind = 'claimant'))
);
create index register_change_of on claims.register_change (tenant_id, subject_id, created_at, id);
create index register_change_by_time on claims.register_change (tenant_id, created_at, id);
alter table claims.register_change enable row level security;
alter table claims.register_change force row level security;
create policy of_this_tenant on claims.register_change to rucor_claims_api, rucor_claims_owner
    using (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid))
    with check (tenant_id = (select nullif(current_setting('rucor.tenant', true), '')::uuid));
create policy of_every_tenant on claims.register_change to rucor_claims_worker using (true) with check (true);
grant select, insert on claims.register_change to rucor_claims_api;

-- Take a row out that was entered by mistake.  Whatever stands on it (a claim, an application, a log entry …) keeps it by its foreign key;
-- what a person only said of it goes with it.
create function claims.strike_reading(p_tenant uuid, p_change uuid, p_reading uuid, p_reason text, p_actor text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_before jsonb;
begin
    delete from claims.reading r where r.tenant_id = p_tenant and r.id = p_reading returning to_jsonb(r) into v_before;
    if v_before is null then
        return false;
    end if;
    insert into claims.register_change (tenant_id, id, kind, subject_id, act, fields, before, reason, actor, created_at)
    values (p_tenant, p_change, 'reading', p_reading, 'struck', '{}', v_before, p_reason, p_actor, p_at);
    return true;
end $$;

create function claims.strike_licence(p_tenant uuid, p_change uuid, p_licence uuid, p_reason text, p_actor text, p_at timestamptz)
returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_before jsonb;
    v_said jsonb;
begin
    select jsonb_build_object(
        'waivers', (select coalesce(jsonb_agg(to_jsonb(w) order by w.id), '[]') from claims.waiver w
            where w.tenant_id = p_tenant and w.licence_id = p_licence),
        'verifications', (select coalesce(jsonb_agg(to_jsonb(v) order by v.id), '[]') from claims.verification v
            where v.tenant_id = p_tenant and v.licence_id = p_licence),
        'acknowledgements', (select coalesce(jsonb_agg(to_jsonb(a)), '[]') from claims.acknowledgement a
            where a.tenant_id = p_tenant and a.licence_id = p_licence)) into v_said;
    delete from claims.waiver where tenant_id = p_tenant and licence_id = p_licence;
    delete from claims.verification where tenant_id = p_tenant and licence_id = p_licence;
    delete from claims.acknowledgement where tenant_id = p_tenant and licence_id = p_licence;
    delete from claims.licence_alert where tenant_id = p_tenant and licence_id = p_licence;
    delete from claims.paper_licence where tenant_id = p_tenant and licence_id = p_licence;
    delete from claims.licence l where l.tenant_id = p_tenant and l.id = p_licence returning to_jsonb(l) into v_before;
    if v_before is null then
        return false;
    end if;
    -- What was credited for it was never bought.
    update claims.refunded_range set released_at = p_at
    where tenant_id = p_tenant and source_id = p_licence and kind = 'credit' and released_at is null;
    insert into claims.register_change (tenant_id, id, kind, subject_id, act, fields, before, reason, actor, created_at)
    values (p_tenant, p_change, 'licence', p_licence, 'struck', '{}', v_before || v_said, p_reason, p_actor, p_at);
    return true;
end $$;
revoke all on function claims.strike_reading from public;
revoke all on function claims.strike_licence from public;
grant execute on function claims.strike_reading, claims.strike_licence to rucor_claims_api;

grant update (name, name_key, customer_number, first_claim, bank_sealed, bank_tail, bank_account_name, address, phone, email,
    contact_person, default_reason_code, default_travel_description) on claims.claimant to rucor_claims_api;
grant update (claimant_id, number, number_key, purchased_at, units, gross_cents, credit_cents, fee_cents, ruc_type, gross_kg)
    on claims.licence to rucor_claims_api;
