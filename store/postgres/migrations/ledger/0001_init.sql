-- The erasure ledger. {s} is the schema, quoted. The chain of hashes is that of
-- privacy.LedgerEntry, computed by the program; bodies are bytes because every
-- byte of them is hashed, tenants because an id need not be text.

CREATE TABLE {s}.ledger (
  one  boolean PRIMARY KEY DEFAULT true CHECK (one),
  id   uuid NOT NULL,
  n    bigint NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
INSERT INTO {s}.ledger (id, n, hash) VALUES (gen_random_uuid(), 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE {s}.entries (
  n       bigint PRIMARY KEY CHECK (n > 0),
  id      uuid NOT NULL,
  kind    text COLLATE "C" NOT NULL,
  at      timestamptz NOT NULL,
  tenant  bytea NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox uuid,
  ticket  uuid,
  contact uuid,
  part    text COLLATE "C" NOT NULL,
  slots   uuid[] NOT NULL,
  keep    uuid[] NOT NULL,
  body    bytea,
  hash    bytea NOT NULL CHECK (octet_length(hash) = 32),
  UNIQUE (id, kind)
);

-- Nothing is changed or removed, by anybody who does not first remove this.
CREATE FUNCTION {s}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the erasure ledger is append-only' USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION {s}.forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.id <> OLD.id OR NEW.n <> OLD.n + 1 THEN
    RAISE EXCEPTION 'the erasure ledger is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON {s}.entries
  FOR EACH ROW EXECUTE FUNCTION {s}.refuse();
CREATE TRIGGER entries_stay_all BEFORE TRUNCATE ON {s}.entries
  FOR EACH STATEMENT EXECUTE FUNCTION {s}.refuse();
CREATE TRIGGER head_moves_forward BEFORE UPDATE ON {s}.ledger
  FOR EACH ROW EXECUTE FUNCTION {s}.forward();
CREATE TRIGGER head_stays BEFORE DELETE ON {s}.ledger
  FOR EACH ROW EXECUTE FUNCTION {s}.refuse();
CREATE TRIGGER head_stays_all BEFORE TRUNCATE ON {s}.ledger
  FOR EACH STATEMENT EXECUTE FUNCTION {s}.refuse();
