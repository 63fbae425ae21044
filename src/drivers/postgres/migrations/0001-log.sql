-- The service's log of published messages.

CREATE SCHEMA estafet;
REVOKE ALL ON SCHEMA estafet FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA estafet REVOKE ALL ON TABLES FROM PUBLIC;

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
  -- NULL: its own id. A root message is its own correlation, and need not say so twice.
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
RETURN (('x' || encode(substr(sha256(convert_to(key, 'UTF8')), 1, 2), 'hex'))::bit(16) >> 4)::int::smallint;

CREATE FUNCTION estafet.timeline() RETURNS text
LANGUAGE sql STABLE
RETURN CASE WHEN pg_is_in_recovery() THEN NULL ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END;

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
REVOKE ALL ON FUNCTION estafet.new_epoch() FROM PUBLIC;
SELECT estafet.new_epoch();

-- A client that cannot tell whether it is in a transaction sets estafet.transaction for the transaction first: outside
-- of one, the setting is gone with the statement that set it.
CREATE FUNCTION estafet.require_transaction(is_unsure boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  -- Qualified to the operator: it runs with its owner's rights and under its caller's search_path.
  IF is_unsure AND (pg_catalog.current_setting('estafet.transaction', true)
      OPERATOR(pg_catalog.=) 'open'::pg_catalog.text) IS NOT TRUE THEN
    RAISE EXCEPTION USING ERRCODE = 'ESF01', MESSAGE = 'publish was called outside a transaction';
  END IF;
END
$$;

-- The only way to write to the log. The order of its statements is the log protocol: the log's shared lock, the keys'
-- locks in one order for everybody, then the positions. Names were resolved when it was made (BEGIN ATOMIC), so a
-- caller's search_path can do nothing to it.
CREATE FUNCTION estafet.publish(
  ids uuid[], types text[], versions smallint[], topics text[], keys text[], correlation_ids text[],
  causation_ids text[], traceparents text[], header_texts text[], payloads text[], is_unsure boolean
) RETURNS SETOF bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
  SELECT estafet.require_transaction(is_unsure);
  SELECT pg_advisory_xact_lock_shared(1163084870, 0);
  SELECT pg_advisory_xact_lock(1163084871, sorted.slot)
    FROM (SELECT DISTINCT estafet.slot_of(key)::int AS slot FROM unnest(keys) AS key ORDER BY 1) AS sorted;
  INSERT INTO estafet.outbox (position, recorded_at, id, version, slot, topic, type, key, correlation_id,
    causation_id, traceparent, headers, payload)
  SELECT nextval('estafet.outbox_position'), clock_timestamp(), m.id, m.version, estafet.slot_of(m.key), m.topic,
    m.type, m.key, m.correlation_id, m.causation_id, m.traceparent, m.headers::json, m.payload::json
  FROM unnest(ids, types, versions, topics, keys, correlation_ids, causation_ids, traceparents, header_texts, payloads)
    AS m (id, type, version, topic, key, correlation_id, causation_id, traceparent, headers, payload)
  RETURNING position;
END;
REVOKE ALL ON FUNCTION estafet.publish FROM PUBLIC;

-- What readers see: the messages, and where the log stands.
CREATE VIEW estafet.outbox_messages AS
  SELECT m.position, m.recorded_at, m.id, m.version, m.slot, m.topic, m.type, m.key,
    coalesce(m.correlation_id, m.id::text) AS correlation_id, m.causation_id, m.traceparent, m.headers, m.payload,
    (SELECT e.epoch FROM estafet.epoch AS e) AS epoch
  FROM estafet.outbox AS m;

CREATE VIEW estafet.outbox_head AS
  SELECT e.epoch, e.timeline, e.timeline = estafet.timeline() AS is_timeline,
    e.system_identifier = (SELECT system_identifier::text FROM pg_control_system()) AS is_server,
    CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END AS last_drawn,
    (SELECT seqcache FROM pg_sequence WHERE seqrelid = 'estafet.outbox_position'::regclass) AS cache
  FROM estafet.epoch AS e, estafet.outbox_position AS s;
