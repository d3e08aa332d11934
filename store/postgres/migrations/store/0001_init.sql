-- The content store. {s} is the schema, quoted. No statement relies on
-- search_path. Every primary key and unique index of content starts with the
-- tenant, so that the tables can be hash-partitioned by it. Identifiers of the
-- host and of providers compare byte by byte: COLLATE "C". An absent id,
-- fingerprint, time or sealed value is NULL; what is never absent is NOT NULL.
--
-- Primary keys are added after the other indexes: among indexes that seem to
-- cost the same, as all do before a table or a tenant has statistics, the
-- planner takes the newest, and the others would be read from end to end.

CREATE TABLE {s}.deployment (
  one  boolean PRIMARY KEY DEFAULT true CHECK (one),
  id   uuid NOT NULL,
  keys uuid NOT NULL,
  epoch bigint NOT NULL DEFAULT 1
);

-- A dump restored into another cluster meets transaction ids that begin anew.
-- The epoch, raised when that is noticed, keeps the event log in order.
CREATE FUNCTION {s}.current_epoch() RETURNS bigint LANGUAGE sql STABLE
  AS $$ SELECT coalesce((SELECT epoch FROM {s}.deployment), 1) $$;

CREATE TABLE {s}.mailboxes (
  tenant          text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id              uuid NOT NULL,
  provider        text COLLATE "C" NOT NULL CHECK (provider <> ''),
  account         bytea NOT NULL,
  state           text COLLATE "C" NOT NULL CHECK (state <> ''),
  key_slot        uuid NOT NULL,
  identity_slot   uuid NOT NULL,
  address         bytea,
  credential      bytea,
  settings        bytea,
  live_cursor     bytea,
  backfill_cursor bytea,
  health_state    text COLLATE "C" NOT NULL,
  health_since    timestamptz,
  health_cause    text COLLATE "C" NOT NULL,
  health_failures bigint NOT NULL,
  health_next_at  timestamptz,
  health_synced_at timestamptz,
  connected_at    timestamptz,
  version         bigint NOT NULL
);
CREATE UNIQUE INDEX mailboxes_connected ON {s}.mailboxes (tenant, account) WHERE state = 'connected';
CREATE INDEX mailboxes_account ON {s}.mailboxes (tenant, account);
ALTER TABLE {s}.mailboxes ADD PRIMARY KEY (tenant, id);

CREATE TABLE {s}.tickets (
  tenant     text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id         uuid NOT NULL,
  mailbox    uuid NOT NULL,
  status     text COLLATE "C" NOT NULL CHECK (status <> ''),
  assignee   text COLLATE "C" NOT NULL CHECK (octet_length(assignee) <= 255),
  tags       text[] COLLATE "C" NOT NULL,
  origin     text COLLATE "C" NOT NULL CHECK (origin <> ''),
  contact    uuid,
  seq        bigint NOT NULL,
  answers    uuid,
  version    bigint NOT NULL,
  related    uuid,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  closed_at  timestamptz,
  key_slot   uuid NOT NULL,
  subject    bytea
);
CREATE INDEX tickets_updated ON {s}.tickets (tenant, updated_at, id);
CREATE INDEX tickets_mailbox ON {s}.tickets (tenant, mailbox, updated_at, id);
CREATE INDEX tickets_assignee ON {s}.tickets (tenant, assignee, updated_at, id);
CREATE INDEX tickets_contact ON {s}.tickets (tenant, contact, updated_at, id);
CREATE INDEX tickets_tags ON {s}.tickets USING gin (tags);
ALTER TABLE {s}.tickets ADD PRIMARY KEY (tenant, id);

CREATE TABLE {s}.messages (
  tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id          uuid NOT NULL,
  mailbox     uuid NOT NULL,
  ticket      uuid NOT NULL,
  seq         bigint NOT NULL CHECK (seq > 0),
  direction   text COLLATE "C" NOT NULL CHECK (direction <> ''),
  kind        text COLLATE "C" NOT NULL,
  by_role     text COLLATE "C" NOT NULL CHECK (by_role <> ''),
  by_agent    text COLLATE "C" NOT NULL CHECK (octet_length(by_agent) <= 255),
  contact     uuid,
  source      text COLLATE "C" NOT NULL CHECK (source <> ''),
  provider_id text COLLATE "C" NOT NULL CHECK (provider_id <> ''),
  parser      bigint NOT NULL,
  received_at timestamptz NOT NULL,
  trace       jsonb NOT NULL,
  attachments bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  subject     bytea,
  addresses   bytea,
  body        bytea,
  html        bytea,
  files       bytea,
  raw         bytea,
  blob        uuid,
  raw_size    bigint NOT NULL
);
CREATE UNIQUE INDEX messages_seq ON {s}.messages (tenant, ticket, seq);
CREATE INDEX messages_mailbox ON {s}.messages (tenant, mailbox, id);
ALTER TABLE {s}.messages ADD PRIMARY KEY (tenant, id);

CREATE TABLE {s}.seen (
  tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox     uuid NOT NULL,
  provider_id text COLLATE "C" NOT NULL CHECK (provider_id <> ''),
  message_id  bytea,
  content     bytea,
  received_at timestamptz,
  object      uuid NOT NULL
);
CREATE INDEX seen_content ON {s}.seen (tenant, content, received_at);
ALTER TABLE {s}.seen ADD PRIMARY KEY (tenant, mailbox, provider_id);

CREATE TABLE {s}.hits (
  tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox     uuid NOT NULL,
  fingerprint bytea NOT NULL,
  role        text COLLATE "C" NOT NULL CHECK (octet_length(role) = 1),
  ticket      uuid NOT NULL,
  message     uuid NOT NULL
);
CREATE INDEX hits_ticket ON {s}.hits (tenant, ticket);
ALTER TABLE {s}.hits ADD PRIMARY KEY (tenant, mailbox, fingerprint, role, ticket, message);

CREATE TABLE {s}.members (
  tenant  text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox uuid NOT NULL,
  ticket  uuid NOT NULL,
  address bytea NOT NULL,
  contact uuid,
  pending boolean NOT NULL
);
CREATE INDEX members_mailbox ON {s}.members (tenant, mailbox);
ALTER TABLE {s}.members ADD PRIMARY KEY (tenant, ticket, address);

CREATE TABLE {s}.contacts (
  tenant  text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox uuid NOT NULL,
  address bytea NOT NULL,
  id      uuid NOT NULL
);
CREATE INDEX contacts_id ON {s}.contacts (tenant, id);
ALTER TABLE {s}.contacts ADD PRIMARY KEY (tenant, mailbox, address);

CREATE TABLE {s}.quarantine (
  tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id          uuid NOT NULL,
  mailbox     uuid NOT NULL,
  provider_id text COLLATE "C" NOT NULL CHECK (provider_id <> ''),
  ref         bytea,
  cause       text COLLATE "C" NOT NULL CHECK (cause <> ''),
  state       text COLLATE "C" NOT NULL CHECK (state <> ''),
  message     uuid,
  key_slot    uuid,
  raw         bytea,
  blob        uuid,
  size        bigint NOT NULL,
  received_at timestamptz,
  stream      text COLLATE "C" NOT NULL,
  sent        boolean NOT NULL,
  created_at  timestamptz NOT NULL,
  version     bigint NOT NULL
);
CREATE INDEX quarantine_mailbox ON {s}.quarantine (tenant, mailbox, id);
ALTER TABLE {s}.quarantine ADD PRIMARY KEY (tenant, id);

CREATE TABLE {s}.deliveries (
  tenant    text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  message   uuid NOT NULL,
  mailbox   uuid NOT NULL,
  ticket    uuid NOT NULL,
  state     text COLLATE "C" NOT NULL CHECK (state <> ''),
  attempt   bigint NOT NULL,
  looks     bigint NOT NULL,
  draft     text COLLATE "C" NOT NULL,
  cause     text COLLATE "C" NOT NULL,
  since     timestamptz NOT NULL,
  queued_at timestamptz NOT NULL,
  version   bigint NOT NULL
);
CREATE INDEX deliveries_mailbox ON {s}.deliveries (tenant, mailbox, message);
CREATE INDEX deliveries_ticket ON {s}.deliveries (tenant, ticket, message);
CREATE INDEX deliveries_state ON {s}.deliveries (tenant, state, message);
ALTER TABLE {s}.deliveries ADD PRIMARY KEY (tenant, message);

-- Readers go by (epoch, tx, seq) and, in the current epoch, only below the
-- oldest running transaction, so that what commits late is never skipped.
CREATE SEQUENCE {s}.events_seq;
CREATE TABLE {s}.events (
  tenant     text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id         uuid NOT NULL,
  epoch      bigint NOT NULL DEFAULT {s}.current_epoch(),
  tx         xid8 NOT NULL DEFAULT pg_current_xact_id(),
  seq        bigint NOT NULL DEFAULT nextval('{s}.events_seq'),
  version    bigint NOT NULL,
  type       text COLLATE "C" NOT NULL CHECK (type <> ''),
  at         timestamptz NOT NULL,
  by_role    text COLLATE "C" NOT NULL,
  by_agent   text COLLATE "C" NOT NULL,
  mailbox    uuid,
  ticket     uuid,
  message    uuid,
  from_state text COLLATE "C" NOT NULL,
  to_state   text COLLATE "C" NOT NULL,
  cause      text COLLATE "C" NOT NULL,
  rung       text COLLATE "C" NOT NULL
);
CREATE INDEX events_place ON {s}.events (epoch, tx, seq);
CREATE INDEX events_tenant ON {s}.events (tenant, epoch, tx, seq);
ALTER TABLE {s}.events ADD PRIMARY KEY (tenant, id);

CREATE TABLE {s}.consumers (
  name   text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 255),
  cursor text COLLATE "C" NOT NULL
);

-- A task that a worker holds has a token. Tokens come from one sequence, so a
-- task that was dropped and made again can't repeat one.
CREATE SEQUENCE {s}.tokens;
CREATE TABLE {s}.tasks (
  tenant   text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox  uuid NOT NULL,
  kind     text COLLATE "C" NOT NULL CHECK (kind <> ''),
  subject  uuid NOT NULL,
  id   uuid NOT NULL,
  due      timestamptz NOT NULL,
  attempts bigint NOT NULL,
  token    bigint,
  until    timestamptz,
  again    timestamptz
);
CREATE UNIQUE INDEX tasks_id ON {s}.tasks (tenant, id);
CREATE INDEX tasks_due ON {s}.tasks (due, id);
ALTER TABLE {s}.tasks ADD PRIMARY KEY (tenant, mailbox, kind, subject);

CREATE TABLE {s}.blobs (
  tenant  text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  mailbox uuid NOT NULL,
  id      uuid NOT NULL,
  data    bytea NOT NULL,
  put_at  timestamptz NOT NULL
);
CREATE INDEX blobs_id ON {s}.blobs (id);
ALTER TABLE {s}.blobs ADD PRIMARY KEY (tenant, mailbox, id);

CREATE SEQUENCE {s}.access_seq;
CREATE TABLE {s}.access_log (
  tenant         text COLLATE "C" NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  seq            bigint NOT NULL DEFAULT nextval('{s}.access_seq'),
  id             uuid NOT NULL,
  at             timestamptz NOT NULL,
  principal_kind text COLLATE "C" NOT NULL,
  principal_id   text COLLATE "C" NOT NULL,
  on_behalf_of   text COLLATE "C" NOT NULL,
  purpose        text COLLATE "C" NOT NULL,
  operation      text COLLATE "C" NOT NULL,
  classes        text[] COLLATE "C" NOT NULL,
  objects        uuid[] NOT NULL,
  refused        boolean NOT NULL,
  PRIMARY KEY (tenant, seq)
);

-- Sealed bytes do not compress; trying costs time.
ALTER TABLE {s}.messages ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN html SET STORAGE EXTERNAL,
  ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE {s}.quarantine ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE {s}.blobs ALTER COLUMN data SET STORAGE EXTERNAL;
