-- The boundary that stood until a step changed it: travel before is judged by that one (rule EX3).
alter table claims.exemption_step add column boundary_before jsonb
    constraint exemption_step_boundary_of_change check (boundary_before is null or kind = 'changed');
