-- Four roles without login, of this database; login roles become members of what they need and get nothing else.
--   publisher   publishes through the function       (the service itself)
--   subscriber  keeps progress and leases            (the service itself)
--   reader      sees the log through views, no table (services that subscribe to this one)
--   relay       appends to this database's topics    (services that relay into it)
-- An administrator may have made them beforehand, where the migrating role must not create roles.

CREATE FUNCTION estafet.role_name(kind text) RETURNS text
LANGUAGE sql STABLE
RETURN 'estafet_' || kind || '_' || current_database();

DO $$
DECLARE
  kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['publisher', 'subscriber', 'reader', 'relay'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = estafet.role_name(kind)) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', estafet.role_name(kind));
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA estafet TO %I', estafet.role_name(kind));
    EXECUTE format('GRANT SELECT ON estafet.outbox_head, estafet.topic_ends TO %I', estafet.role_name(kind));
  END LOOP;
  EXECUTE format('GRANT EXECUTE ON FUNCTION estafet.publish TO %I', estafet.role_name('publisher'));
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.lane, estafet.member TO %I',
    estafet.role_name('subscriber'));
  EXECUTE format('GRANT SELECT ON estafet.outbox_messages, estafet.topic_messages TO %I',
    estafet.role_name('reader'));
  EXECUTE format('GRANT EXECUTE ON FUNCTION estafet.send, estafet.make_topic TO %I', estafet.role_name('relay'));
END
$$;
