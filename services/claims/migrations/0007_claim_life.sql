-- What becomes of a claim after lodging (rules CL5, CL6, CL7).  Steps are only ever added; claim.state is the last step's, for lists.

-- squawk-ignore ban-drop-constraint
alter table claims.claim drop constraint claim_state_known;
alter table claims.claim add constraint claim_state_known
    check (state in ('lodged', 'sent', 'received', 'returned', 'withdrawn', 'decided')) not valid;
alter table claims.claim validate constraint claim_state_known;

-- A file that proves something: a signed form, a photo of a recorder, bank evidence (rules VE3, LI8, CL6, OT2).
create table claims.attachment (
    tenant_id uuid not null constraint attachment_tenant_fk references claims.tenant,
    id uuid not null,
    name text not null constraint attachment_name_given check (name <> ''),
    media_type text not null,
    size int not null constraint attachment_size_some check (size > 0),
    sha256 bytea not null,  -- of the file
    sealed bytea not null,  -- AES-GCM over the file
    actor text not null constraint attachment_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint attachment_pk primary key (tenant_id, id)
);
alter table claims.attachment alter column sealed set storage external;

create table claims.claim_step (
    tenant_id uuid not null,
    id uuid not null,
    claim_id uuid not null,
    seq int not null constraint claim_step_seq_positive check (seq > 0),
    kind text not null constraint claim_step_kind_known
        check (kind in ('sent', 'received', 'returned', 'withdrawn', 'decided', 'consent')),
    on_day date not null,
    channel text constraint claim_step_channel_known check (channel in ('email', 'post')),
    reference text not null,
    reason text not null,
    attachment_id uuid,
    actor text not null constraint claim_step_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint claim_step_pk primary key (tenant_id, id),
    constraint claim_step_seq_unique unique (tenant_id, claim_id, seq),
    constraint claim_step_claim_fk foreign key (tenant_id, claim_id) references claims.claim,
    constraint claim_step_attachment_fk foreign key (tenant_id, attachment_id) references claims.attachment
);

create table claims.line_step (
    tenant_id uuid not null,
    id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    seq int not null constraint line_step_seq_positive check (seq > 0),
    kind text not null constraint line_step_kind_known check (kind in ('accepted', 'declined', 'paid', 'set_off', 'recovered')),
    on_day date not null,
    distance_km bigint constraint line_step_distance_not_negative check (distance_km >= 0),
    cents bigint constraint line_step_cents_not_negative check (cents >= 0),
    reference text not null,
    reason text not null,
    actor text not null constraint line_step_actor_given check (actor <> ''),
    created_at timestamptz not null default now(),
    constraint line_step_pk primary key (tenant_id, id),
    constraint line_step_seq_unique unique (tenant_id, claim_id, licence_id, seq),
    constraint line_step_line_fk foreign key (tenant_id, claim_id, licence_id) references claims.claim_line
);

-- An over-claim found after lodging: a task until it is closed (rule CL7).  One open task a line; a worse finding adds another.
create table claims.disclosure (
    tenant_id uuid not null,
    id uuid not null,
    claim_id uuid not null,
    licence_id uuid not null,
    claimed_km bigint not null,
    now_km bigint not null,
    cents bigint,
    statement_hash bytea not null,  -- of the statement that shows it
    letter text not null,
    found_at timestamptz not null,
    closed_on date,
    closed_as text constraint disclosure_closed_as_known check (closed_as in ('repaid', 'set_off', 'nothing_owed')),
    closed_cents bigint constraint disclosure_closed_cents_not_negative check (closed_cents >= 0),
    closed_reference text not null default '',
    closed_by text not null default '',
    constraint disclosure_pk primary key (tenant_id, id),
    constraint disclosure_once unique (tenant_id, claim_id, licence_id, statement_hash),
    constraint disclosure_line_fk foreign key (tenant_id, claim_id, licence_id) references claims.claim_line,
    constraint disclosure_less check (now_km < claimed_km),
    constraint disclosure_closed_whole check ((closed_on is null) = (closed_as is null))
);

do $$
declare
    name text;
begin
    foreach name in array array['attachment', 'claim_step', 'line_step', 'disclosure']
    loop
        execute format('alter table claims.%I enable row level security', name);
        execute format('alter table claims.%I force row level security', name);
        execute format(
            'create policy of_this_tenant on claims.%I to rucor_claims_api, rucor_claims_owner '
            'using (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid)) '
            'with check (tenant_id = (select nullif(current_setting(''rucor.tenant'', true), '''')::uuid))', name);
        execute format('create policy of_every_tenant on claims.%I to rucor_claims_worker using (true) with check (true)', name);
    end loop;
end $$;

grant select, insert on claims.attachment, claims.claim_step, claims.line_step, claims.disclosure to rucor_claims_api;
grant select, insert on claims.disclosure to rucor_claims_worker;
grant update (state) on claims.claim to rucor_claims_api;
grant update (closed_on, closed_as, closed_cents, closed_reference, closed_by) on claims.disclosure to rucor_claims_api;
