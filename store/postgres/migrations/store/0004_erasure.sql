-- What retention and erasure need. The store's place in the erasure ledger
-- tells a restored database from one that is up to date.
ALTER TABLE {s}.deployment ADD COLUMN ledger uuid,
  ADD COLUMN reached bigint NOT NULL DEFAULT 0, ADD COLUMN reached_hash bytea;

-- Registers: erasures, holds, instructions. Ids, constants and instants only.
CREATE TABLE {s}.records (
  tenant  text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  kind    text COLLATE "C" NOT NULL CHECK (kind <> ''),
  id      uuid NOT NULL,
  due     timestamptz,
  version bigint NOT NULL CHECK (version > 0),
  body    jsonb NOT NULL
);
CREATE INDEX records_due ON {s}.records (kind, due) WHERE due IS NOT NULL;
ALTER TABLE {s}.records ADD PRIMARY KEY (tenant, kind, id);

-- When a ticket is asked about again; a change of it makes it due at once.
ALTER TABLE {s}.tickets ADD COLUMN retain_at timestamptz NOT NULL DEFAULT '-infinity';
CREATE INDEX tickets_retain ON {s}.tickets (retain_at);
ALTER TABLE {s}.events ADD COLUMN subject uuid;
CREATE INDEX members_contact ON {s}.members (tenant, contact);
CREATE INDEX events_mailbox ON {s}.events (tenant, mailbox, ticket);
