-- Rotation: generations of keys, the key before the present one, and the
-- slots below a slot. How far in the erasure ledger the key store has come.

ALTER TABLE {s}.slots
  ADD COLUMN gen   bigint NOT NULL DEFAULT 0,
  ADD COLUMN under bigint NOT NULL DEFAULT 0,
  ADD COLUMN old   bytea,
  ADD CHECK (old IS NULL OR wrapped IS NOT NULL);

CREATE INDEX slots_parent ON {s}.slots (tenant, parent, id);

ALTER TABLE {s}.keystore
  ADD COLUMN reached      bigint NOT NULL DEFAULT 0 CHECK (reached >= 0),
  ADD COLUMN reached_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(reached_hash) = 32);
