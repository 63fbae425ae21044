-- The service's log of published messages, and who may write and read it.

CREATE SCHEMA estafet;
REVOKE ALL ON SCHEMA estafet FROM PUBLIC;

-- One row: which log this is. Positions mean something only together with the epoch, which is bound to the server
-- and the timeline it was begun on: after a restore or a failover that lost commits they mean something else.
CREATE TABLE estafet.epoch (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch text NOT NULL,
  system_identifier text NOT NULL,
  timeline text NOT NULL,
  begun_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- CACHE 1: a session that keeps numbers in reserve would write low positions long after high ones.
CREATE SEQUENCE estafet.outbox_position AS bigint CACHE 1;

-- No index but the primary key: it is written once and read by position.
CREATE TABLE estafet.outbox (
  position bigint PRIMARY KEY,
  recorded_at timestamptz NOT NULL,
  id uuid NOT NULL,
  version smallint NOT NULL,
  slot smallint NOT NULL,
  topic text NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  correlation_id text,
  causation_id text,
  traceparent text,
  headers json,
  payload json NOT NULL
);
ALTER SEQUENCE estafet.outbox_position OWNED BY estafet.outbox.position;

-- The key's slot: decides which lock serialises the key and which lane reads it. SHA-256 because it is the same on
-- every version of PostgreSQL, which hashtext() does not promise; 4096 because each takes a place in the lock table.
CREATE FUNCTION estafet.slot_of(key text) RETURNS smallint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ((get_byte(sha256(convert_to(key, 'UTF8')), 0) << 4) | (get_byte(sha256(convert_to(key, 'UTF8')), 1) >> 4))::smallint;

CREATE FUNCTION estafet.timeline() RETURNS text
LANGUAGE sql STABLE
RETURN substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8);

-- Begins a new epoch on this server. For the owner only, after somebody has found out what was lost or set back.
CREATE FUNCTION estafet.new_epoch() RETURNS text
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO estafet.epoch (epoch, system_identifier, timeline)
  SELECT gen_random_uuid()::text, system_identifier::text, estafet.timeline() FROM pg_control_system()
  ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, system_identifier = excluded.system_identifier,
    timeline = excluded.timeline, begun_at = clock_timestamp()
  RETURNING epoch;
END;
SELECT estafet.new_epoch();
