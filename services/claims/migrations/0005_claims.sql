-- Claims: previews, what was lodged, frozen snapshots, rendered documents (rules CL, LI7, EL4; design section 6).

create table claims.claim_preview (
    tenant_id uuid not null,
    id uuid not null,
    claimant_id uuid not null,
    body bytea not null,  -- what was shown and what it stands on, JSON
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint claim_preview_pk primary key (tenant_id, id),
    constraint claim_preview_claimant_fk foreign key (tenant_id, claimant_id) references claims.claimant
);

create table claims.claim (
    tenant_id uuid not null,
    id uuid not null,
    number text not null,
    state text not null constraint claim_state_known check (state in ('lodged')),
    claimant_id uuid not null,
    preview_id uuid not null,
    lodged_at timestamptz not null,
    lodged_on date not null,
    licences int not null,
    claimable_km bigint not null,
    off_road_mm bigint not null,
    estimate_cents bigint,
    constraint claim_pk primary key (tenant_id, id),
    constraint claim_number_unique unique (tenant_id, number),
    constraint claim_preview_once unique (tenant_id, preview_id),
    constraint claim_claimant_fk foreign key (tenant_id, claimant_id) references claims.claimant,
    constraint claim_preview_fk foreign key (tenant_id, preview_id) references claims.claim_preview
);
create index claim_by_time on claims.claim (tenant_id, lodged_at, id);

create table claims.claim_line (
    tenant_id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    line_no int not null,
    number text not null,
    plate text not null,
    distance_km bigint not null constraint claim_line_some_distance check (distance_km >= 1),
    off_road_mm bigint not null,
    rate text,
    estimate_cents bigint,
    reason_code int not null constraint claim_line_reason_code check (reason_code between 1 and 18),
    method text not null,
    specify_type text not null,
    statement_hash bytea not null,
    constraint claim_line_pk primary key (tenant_id, claim_id, licence_id),
    constraint claim_line_claim_fk foreign key (tenant_id, claim_id) references claims.claim,
    constraint claim_line_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);
create index claim_line_by_licence on claims.claim_line (tenant_id, licence_id);

-- The revisions that a line stands on, by number and content (design G5).
create table claims.claim_line_day (
    tenant_id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    device text not null,
    day int not null,
    rev bigint not null,
    hash bytea not null,
    constraint claim_line_day_pk primary key (tenant_id, claim_id, licence_id, device, day),
    constraint claim_line_day_line_fk foreign key (tenant_id, claim_id, licence_id) references claims.claim_line
);

create table claims.claimed_outside (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    claimed_on date not null,
    reference text not null,
    actor text not null,
    reason text not null,
    created_at timestamptz not null default now(),
    constraint claimed_outside_pk primary key (tenant_id, id),
    constraint claimed_outside_once unique (tenant_id, licence_id),
    constraint claimed_outside_licence_fk foreign key (tenant_id, licence_id) references claims.licence
);

-- The guarantee that a licence is claimed at most once (design G4).  Nobody may write here but the two functions below.
create table claims.lodged_licence (
    tenant_id uuid not null,
    id uuid not null,
    licence_id uuid not null,
    recorder_id uuid not null,
    claimed int8range not null constraint lodged_range_some check (not isempty(claimed)),
    licence_hash bytea not null,  -- keyed hash of the normalised number
    plate_licence_hash bytea not null,  -- keyed hash of number and plate: a clash between tenants is a case for ops only (LI4)
    kind text not null constraint lodged_kind_known check (kind in ('claim', 'outside')),
    source_id uuid not null,  -- the claim, or the claimed_outside entry
    lodged_at timestamptz not null default now(),
    released_at timestamptz,
    released_by uuid,
    constraint lodged_licence_pk primary key (tenant_id, id),
    constraint lodged_licence_licence_fk foreign key (tenant_id, licence_id) references claims.licence,
    constraint lodged_licence_recorder_fk foreign key (tenant_id, recorder_id) references claims.recorder,
    constraint lodged_release_whole check ((released_at is null) = (released_by is null)),
    constraint lodged_range_once exclude using gist (tenant_id with =, recorder_id with =, claimed with &&)
        where (released_at is null)
);
create unique index lodged_licence_once on claims.lodged_licence (tenant_id, licence_id) where released_at is null;
create unique index lodged_number_once on claims.lodged_licence (tenant_id, licence_hash) where released_at is null;
create index lodged_across on claims.lodged_licence (plate_licence_hash);

create function claims.guard_lodged_licence() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'lodged_licence rows are never deleted' using errcode = 'restrict_violation';
    end if;
    if old.released_at is not null or new.released_at is null
        or (new.tenant_id, new.id, new.licence_id, new.recorder_id, new.claimed, new.licence_hash, new.plate_licence_hash,
            new.kind, new.source_id, new.lodged_at)
        is distinct from
           (old.tenant_id, old.id, old.licence_id, old.recorder_id, old.claimed, old.licence_hash, old.plate_licence_hash,
            old.kind, old.source_id, old.lodged_at) then
        raise exception 'lodged_licence rows change once only, by release' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger guard_lodged_licence before update or delete on claims.lodged_licence
    for each row execute function claims.guard_lodged_licence();

create function claims.lodge_licence(
    p_tenant uuid, p_id uuid, p_licence uuid, p_recorder uuid, p_claimed int8range,
    p_licence_hash bytea, p_plate_licence_hash bytea, p_kind text, p_source uuid
) returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into claims.lodged_licence
        (tenant_id, id, licence_id, recorder_id, claimed, licence_hash, plate_licence_hash, kind, source_id)
    values (p_tenant, p_id, p_licence, p_recorder, p_claimed, p_licence_hash, p_plate_licence_hash, p_kind, p_source)
$$;

create function claims.release_licence(p_tenant uuid, p_licence uuid, p_withdrawal uuid)
returns int language sql security definer set search_path = pg_catalog, pg_temp as $$
    with released as (
        update claims.lodged_licence set released_at = now(), released_by = p_withdrawal
        where tenant_id = p_tenant and licence_id = p_licence and released_at is null returning 1)
    select count(*)::int from released
$$;
revoke all on function claims.lodge_licence from public;
revoke all on function claims.release_licence from public;
grant execute on function claims.lodge_licence, claims.release_licence to rucor_claims_api;

create table claims.snapshot (
    tenant_id uuid not null,
    claim_id uuid not null,
    kind text not null constraint snapshot_kind_known check (kind in ('form', 'report')),
    subject_id uuid not null,  -- form: the claim; report: the licence
    sealed bytea not null,  -- AES-GCM over the exact JSON: the form holds the bank account (rule RE3)
    sha256 bytea not null,  -- of the JSON
    constraint snapshot_pk primary key (tenant_id, claim_id, kind, subject_id),
    constraint snapshot_claim_fk foreign key (tenant_id, claim_id) references claims.claim
);

create table claims.document (
    tenant_id uuid not null,
    claim_id uuid not null,
    kind text not null constraint document_kind_known check (kind in ('form')),
    sealed bytea not null,  -- AES-GCM over the exact bytes of the PDF (rule FO3)
    sha256 bytea not null,  -- of the PDF
    size int not null,
    created_at timestamptz not null default now(),
    constraint document_pk primary key (tenant_id, claim_id, kind),
    constraint document_claim_fk foreign key (tenant_id, claim_id) references claims.claim
);

create table claims.render_job (
    tenant_id uuid not null,
    claim_id uuid not null,
    kind text not null constraint render_job_kind_known check (kind in ('form')),
    attempts int not null default 0,
    due_at timestamptz not null default now(),  -- also the lease: a worker moves it ahead before it starts
    last_error text not null default '',
    constraint render_job_pk primary key (tenant_id, claim_id, kind),
    constraint render_job_claim_fk foreign key (tenant_id, claim_id) references claims.claim
);
create index render_job_due on claims.render_job (due_at);

grant select, insert on claims.claim_preview, claims.claim, claims.claim_line, claims.claim_line_day, claims.claimed_outside,
    claims.snapshot to rucor_claims_api;
grant select on claims.lodged_licence, claims.document to rucor_claims_api;
grant select, insert on claims.render_job to rucor_claims_api;
grant select on claims.claim, claims.claim_line, claims.claim_line_day, claims.lodged_licence, claims.snapshot to rucor_claims_worker;
grant select, insert on claims.document to rucor_claims_worker;
grant select, update, delete on claims.render_job to rucor_claims_worker;
grant select, delete on claims.claim_preview to rucor_claims_worker;
