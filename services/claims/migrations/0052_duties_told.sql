-- Duties of an exemption's holder (rule EX4): how late the one that came of a step was when it was told last, so that each is told once.
alter table claims.exemption_step add column duty_told text
    constraint exemption_step_duty_told_known check (duty_told in ('due', 'overdue'));
grant update (duty_told) on claims.exemption_step to rucor_claims_api;
