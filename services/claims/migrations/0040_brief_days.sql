-- A statement of two years reads seven hundred days, and of few of them the odometer's hourly readings: half of a summary's bytes
-- and of the work to read it.
alter table claims.device_day add column brief bytea;  -- its summary without them, MessagePack; null: written before, take that
