-- The names of land that counts over public roads (rule SU7) apart from a day's segments, which few statements need.

alter table claims.device_day add column over_public bytea;  -- MessagePack, sorted; null: written before, ask the segments
