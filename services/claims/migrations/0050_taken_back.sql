-- Slips of the pen in the rest of the register are put right in the open too (rules VE1, VE2, VE4, EL5, LI7, EX1): what was there stays
-- readable in register_change, and claims that stand on it are held against it at once (rule CL7).
-- squawk-ignore ban-drop-constraint
alter table claims.register_change drop constraint register_change_kind_known;
-- squawk-ignore constraint-missing-not-valid
alter table claims.register_change add constraint register_change_kind_known check (kind in ('claimant', 'licence', 'reading',
    'vehicle', 'recorder', 'device_assignment', 'coupling', 'vehicle_ending', 'claimed_outside'));

-- Take a row out that was entered by mistake; false where there is none.  A licence's "claimed outside" frees what it held.
create function claims.strike(
    p_tenant uuid, p_change uuid, p_kind text, p_id uuid, p_reason text, p_actor text, p_at timestamptz
) returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_before jsonb;
begin
    if p_kind = 'device_assignment' then
        delete from claims.device_assignment t where t.tenant_id = p_tenant and t.id = p_id returning to_jsonb(t) into v_before;
    elsif p_kind = 'coupling' then
        delete from claims.coupling t where t.tenant_id = p_tenant and t.id = p_id returning to_jsonb(t) into v_before;
    elsif p_kind = 'vehicle_ending' then
        delete from claims.vehicle_ending t where t.tenant_id = p_tenant and t.id = p_id returning to_jsonb(t) into v_before;
    elsif p_kind = 'claimed_outside' then
        delete from claims.claimed_outside t where t.tenant_id = p_tenant and t.id = p_id returning to_jsonb(t) into v_before;
        update claims.lodged_licence set released_at = p_at, released_by = p_change
        where tenant_id = p_tenant and kind = 'outside' and source_id = p_id and released_at is null;
    else
        raise exception 'nothing of the kind % is struck here', p_kind using errcode = 'restrict_violation';
    end if;
    if v_before is null then
        return false;
    end if;
    insert into claims.register_change (tenant_id, id, kind, subject_id, act, fields, before, reason, actor, created_at)
    values (p_tenant, p_change, p_kind, p_id, 'struck', '{}', v_before, p_reason, p_actor, p_at);
    return true;
end $$;
revoke all on function claims.strike from public;
grant execute on function claims.strike to rucor_claims_api;

grant update (description, powered, ruc_type, gross_kg, exempt, exempt_reason) on claims.vehicle to rucor_claims_api;
grant update (kind, serial, serial_key, unit, rollover_at) on claims.recorder to rucor_claims_api;
grant update (attachment_id) on claims.reading to rucor_claims_api;

-- A grant that was recorded by mistake never was.
-- squawk-ignore ban-drop-constraint
alter table claims.exemption_step drop constraint exemption_step_kind_known;
-- squawk-ignore constraint-missing-not-valid
alter table claims.exemption_step add constraint exemption_step_kind_known check (kind in ('drafted', 'amended', 'sent', 'granted',
    'declined', 'withdrawn', 'changed', 'reading_requested', 'ended', 'done', 'annulled'));
