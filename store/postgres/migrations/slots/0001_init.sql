-- The key store. {s} is the schema, quoted. A destroyed slot stays as a
-- tombstone without its key. Tenants are bytes, because a key must be found
-- under whatever id the host chose.

CREATE TABLE {s}.keystore (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id  uuid NOT NULL
);
INSERT INTO {s}.keystore (id) VALUES (gen_random_uuid());

CREATE TABLE {s}.slots (
  tenant  bytea NOT NULL CHECK (octet_length(tenant) BETWEEN 1 AND 255),
  id      uuid NOT NULL,
  level   text COLLATE "C" NOT NULL,
  parent  uuid,
  state   text COLLATE "C" NOT NULL CHECK (state IN ('live', 'fenced', 'destroyed')),
  wrapped bytea,
  PRIMARY KEY (tenant, id),
  CHECK ((state = 'destroyed') = (wrapped IS NULL))
);
