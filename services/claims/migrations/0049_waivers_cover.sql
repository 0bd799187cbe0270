-- Rules EL4, EL8: a waiver covers what stood against the thing when it was given, by name (of an account a keyed hash), and there may
-- be several.  Those given before cover nothing: a person looks again.
alter table claims.waiver add column covers text[] not null default '{}';
-- squawk-ignore ban-drop-constraint
alter table claims.waiver drop constraint waiver_once;
