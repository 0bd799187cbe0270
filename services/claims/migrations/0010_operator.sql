-- The operator: those who run the system.  Not a fleet, but its keys, its stored answers and its deeds need a tenant like any other.

select set_config('rucor.tenant', '00000000-0000-0000-0000-000000000000', true);
insert into claims.tenant (tenant_id, name) values ('00000000-0000-0000-0000-000000000000', 'operator');
