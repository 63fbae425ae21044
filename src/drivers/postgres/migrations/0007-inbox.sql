-- Ids of messages from others, who give them no place in a chain: see Inbox. A digest, because ids can be long; the place of
-- the record that was taken, because that may come again when a person sets a cursor back.
CREATE TABLE estafet.inbox (
  subscription text NOT NULL,
  digest bytea NOT NULL,
  place text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (subscription, digest)
);
CREATE INDEX inbox_age ON estafet.inbox (subscription, taken_at);

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.inbox TO %I', estafet.role_name('subscriber'));
END
$$;
