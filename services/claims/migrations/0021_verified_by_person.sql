-- A verification by a person who signed in names them by their id too (rules PA2, CL2).

alter table claims.verification add column person_id uuid;
alter table claims.verification add constraint verification_person_fk
    foreign key (tenant_id, person_id) references claims.person not valid;
alter table claims.verification validate constraint verification_person_fk;
