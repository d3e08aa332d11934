-- What threading knows beside ids: a ticket that was merged into another, the
-- fingerprint of its base subject, and the organisation of a member.
ALTER TABLE {s}.tickets ADD COLUMN merged uuid, ADD COLUMN title bytea;
ALTER TABLE {s}.members ADD COLUMN domain bytea;
-- Automatic replies are counted before one more is made.
CREATE INDEX messages_automatic ON {s}.messages (tenant, mailbox, created_at) WHERE direction = 'out' AND kind = 'auto-reply';
