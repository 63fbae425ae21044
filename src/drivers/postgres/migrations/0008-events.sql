-- The service's private events: streams, each numbered without gaps, and all together a log like the outbox.

-- CACHE 1: as for the outbox.
CREATE SEQUENCE estafet.event_position AS bigint CACHE 1;

CREATE TABLE estafet.event (
  position bigint PRIMARY KEY,
  recorded_at timestamptz NOT NULL,
  id uuid NOT NULL,
  stream_version int NOT NULL CHECK (stream_version > 0),
  version smallint NOT NULL,
  slot smallint NOT NULL,
  stream_type text NOT NULL,
  stream_id text NOT NULL,
  type text NOT NULL,
  -- NULL: its own id.
  correlation_id text,
  causation_id text,
  traceparent text,
  headers json,
  payload json NOT NULL,
  -- The authority on versions, whatever a caller's isolation level let the function see.
  CONSTRAINT event_stream_version UNIQUE (stream_type, stream_id, stream_version)
);
ALTER SEQUENCE estafet.event_position OWNED BY estafet.event.position;

-- What makes an append that is tried again return what the first try did.
CREATE TABLE estafet.append_id (
  stream_type text NOT NULL,
  stream_id text NOT NULL,
  append_id text NOT NULL,
  digest bytea NOT NULL,
  last_version int NOT NULL,
  last_position bigint,
  PRIMARY KEY (stream_type, stream_id, append_id)
);

-- The second line behind the privileges: not even the owner changes history by mistake.
CREATE FUNCTION estafet.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'ESF07', MESSAGE = 'events are never changed or deleted';
END
$$;
CREATE TRIGGER event_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON estafet.event
  FOR EACH STATEMENT EXECUTE FUNCTION estafet.refuse_change();

-- With append_one the only way to write events. The order of its statements is the log protocol, as in estafet.publish, with locks of its own.
-- Of the arrays the first six have an element for each append, the others one for each event; append_of says whose it is.
-- Appends to one stream are done one after the other, in rounds; those of a round all together.
CREATE FUNCTION estafet.append(
  stream_types text[], stream_ids text[], expectations text[], append_ids text[], digests bytea[], rounds int[],
  append_of int[], ids uuid[], types text[], versions smallint[], correlation_ids text[], causation_ids text[],
  traceparents text[], header_texts text[], payloads text[], refuses_repeats boolean, is_unsure boolean
) RETURNS TABLE (number int, last_version int, last_position bigint, is_repeat boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
  has_append_ids constant boolean := array_remove(append_ids, NULL) <> '{}';
  bad record;
  versions_before int[];
  is_done boolean[] := array_fill(false, ARRAY[coalesce(array_length(rounds, 1), 0)]);
BEGIN
  PERFORM estafet.require_transaction(is_unsure);
  PERFORM pg_advisory_xact_lock_shared(1163084872, 0);
  PERFORM pg_advisory_xact_lock(1163084873, sorted.slot)
    FROM (SELECT DISTINCT estafet.slot_of(i)::int AS slot FROM unnest(stream_ids) AS i ORDER BY 1) AS sorted;
  FOR this_round IN 1 .. (SELECT coalesce(max(r), 0) FROM unnest(rounds) AS r) LOOP
    IF has_append_ids THEN
      FOR bad IN
        SELECT s.place, a.digest <> s.digest AS is_other, a.last_version, a.last_position
        FROM unnest(stream_types, stream_ids, append_ids, digests, rounds)
          WITH ORDINALITY AS s (type, id, append_id, digest, round, place)
        JOIN estafet.append_id AS a
          ON a.stream_type = s.type AND a.stream_id = s.id AND a.append_id = s.append_id
        WHERE s.round = this_round
      LOOP
        IF bad.is_other THEN
          RAISE EXCEPTION USING ERRCODE = 'ESF06', MESSAGE = 'the append id was used for other events', DETAIL = bad.place;
        END IF;
        IF refuses_repeats THEN
          RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'another try of this append was first';
        END IF;
        is_done[bad.place] := true;
        RETURN QUERY SELECT bad.place::int, bad.last_version, bad.last_position, true;
      END LOOP;
    END IF;
    -- After the locks, so that it sees what their last holders committed.
    versions_before := ARRAY(
      SELECT coalesce((SELECT max(e.stream_version) FROM estafet.event AS e
        WHERE e.stream_type = s.type AND e.stream_id = s.id), 0)
      FROM unnest(stream_types, stream_ids) WITH ORDINALITY AS s (type, id, place) ORDER BY s.place);
    SELECT s.place, s.version INTO bad
      FROM unnest(expectations, versions_before, rounds, is_done)
        WITH ORDINALITY AS s (expected, version, round, is_done, place)
      WHERE s.round = this_round AND NOT s.is_done AND NOT CASE s.expected
        WHEN 'any' THEN true
        WHEN 'new' THEN s.version = 0
        WHEN 'existing' THEN s.version > 0
        ELSE s.expected = s.version::text END
      ORDER BY s.place LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'ESF05', MESSAGE = 'the stream is not as expected',
        DETAIL = bad.place || ' ' || bad.version;
    END IF;
    RETURN QUERY
      WITH wanted AS (
        SELECT u.append, u.id, u.type, u.version, u.correlation_id, u.causation_id, u.traceparent,
          u.headers::json AS headers, u.payload::json AS payload,
          (row_number() OVER (PARTITION BY u.append ORDER BY u.place))::int AS place_in_stream
        FROM unnest(append_of, ids, types, versions, correlation_ids, causation_ids, traceparents, header_texts, payloads)
          WITH ORDINALITY AS u (append, id, type, version, correlation_id, causation_id, traceparent, headers, payload, place)
        WHERE rounds[u.append] = this_round AND NOT is_done[u.append]
        ORDER BY u.place
      ), written AS (
        INSERT INTO estafet.event AS e (position, recorded_at, id, stream_version, version, slot, stream_type, stream_id,
          type, correlation_id, causation_id, traceparent, headers, payload)
        SELECT nextval('estafet.event_position'), clock_timestamp(), w.id, versions_before[w.append] + w.place_in_stream,
          w.version, estafet.slot_of(stream_ids[w.append]), stream_types[w.append], stream_ids[w.append], w.type,
          w.correlation_id, w.causation_id, w.traceparent, w.headers, w.payload
        FROM wanted AS w
        RETURNING e.stream_type, e.stream_id, e.stream_version, e.position
      ), ends AS (
        SELECT w.stream_type, w.stream_id, max(w.stream_version) AS version, max(w.position) AS position
        FROM written AS w GROUP BY 1, 2
      ), noted AS (
        INSERT INTO estafet.append_id AS a (stream_type, stream_id, append_id, digest, last_version, last_position)
        SELECT s.type, s.id, s.append_id, s.digest, coalesce(n.version, s.version), n.position
        FROM unnest(stream_types, stream_ids, append_ids, digests, versions_before, rounds, is_done)
          AS s (type, id, append_id, digest, version, round, is_done)
        LEFT JOIN ends AS n ON n.stream_type = s.type AND n.stream_id = s.id
        WHERE s.round = this_round AND NOT s.is_done AND s.append_id IS NOT NULL
      )
      SELECT s.place::int, coalesce(n.version, s.version), n.position, false
      FROM unnest(stream_types, stream_ids, versions_before, rounds, is_done)
        WITH ORDINALITY AS s (type, id, version, round, is_done, place)
      LEFT JOIN ends AS n ON n.stream_type = s.type AND n.stream_id = s.id
      WHERE s.round = this_round AND NOT s.is_done;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION estafet.append FROM PUBLIC;

-- The same for one stream, which most appends are for: with nothing to sort or join it takes the server half as long.
CREATE FUNCTION estafet.append_one(
  of_type text, of_id text, expected text, of_append_id text, of_digest bytea, ids uuid[], types text[], versions smallint[],
  correlation_ids text[], causation_ids text[], traceparents text[], header_texts text[], payloads text[],
  refuses_repeats boolean, is_unsure boolean, OUT last_version int, OUT last_position bigint, OUT is_repeat boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
  own_slot constant smallint := estafet.slot_of(of_id);
  known record;
BEGIN
  PERFORM estafet.require_transaction(is_unsure);
  PERFORM pg_advisory_xact_lock_shared(1163084872, 0);
  PERFORM pg_advisory_xact_lock(1163084873, own_slot);
  IF of_append_id IS NOT NULL THEN
    SELECT a.digest, a.last_version, a.last_position INTO known FROM estafet.append_id AS a
      WHERE a.stream_type = of_type AND a.stream_id = of_id AND a.append_id = of_append_id;
    IF FOUND THEN
      IF known.digest <> of_digest THEN
        RAISE EXCEPTION USING ERRCODE = 'ESF06', MESSAGE = 'the append id was used for other events', DETAIL = '1';
      END IF;
      IF refuses_repeats THEN
        RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'another try of this append was first';
      END IF;
      last_version := known.last_version;
      last_position := known.last_position;
      is_repeat := true;
      RETURN;
    END IF;
  END IF;
  is_repeat := false;
  -- After the locks, so that it sees what their last holder committed.
  last_version := coalesce((SELECT max(e.stream_version) FROM estafet.event AS e
    WHERE e.stream_type = of_type AND e.stream_id = of_id), 0);
  IF NOT (CASE expected
    WHEN 'any' THEN true
    WHEN 'new' THEN last_version = 0
    WHEN 'existing' THEN last_version > 0
    ELSE expected = last_version::text END) THEN
    RAISE EXCEPTION USING ERRCODE = 'ESF05', MESSAGE = 'the stream is not as expected', DETAIL = '1 ' || last_version;
  END IF;
  IF cardinality(ids) > 0 THEN
    INSERT INTO estafet.event (position, recorded_at, id, stream_version, version, slot, stream_type, stream_id, type,
      correlation_id, causation_id, traceparent, headers, payload)
    SELECT nextval('estafet.event_position'), clock_timestamp(), u.id, last_version + u.place::int, u.version, own_slot,
      of_type, of_id, u.type, u.correlation_id, u.causation_id, u.traceparent, u.headers::json, u.payload::json
    FROM unnest(ids, types, versions, correlation_ids, causation_ids, traceparents, header_texts, payloads)
      WITH ORDINALITY AS u (id, type, version, correlation_id, causation_id, traceparent, headers, payload, place);
    last_version := last_version + cardinality(ids);
    last_position := currval('estafet.event_position');
  END IF;
  IF of_append_id IS NOT NULL THEN
    INSERT INTO estafet.append_id AS a (stream_type, stream_id, append_id, digest, last_version, last_position)
    VALUES (of_type, of_id, of_append_id, of_digest, append_one.last_version, append_one.last_position);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION estafet.append_one FROM PUBLIC;

-- Snapshots are a cache: rebuilt from the events whenever they do not fit.
CREATE TABLE estafet.snapshot (
  stream_type text NOT NULL,
  stream_id text NOT NULL,
  -- Names the fold that made the state: another program has another one.
  fold text NOT NULL,
  stream_version int NOT NULL,
  state text NOT NULL,
  checksum text NOT NULL,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (stream_type, stream_id, fold)
);

-- As messages, for who reads the log of events: the stream's type is the topic, its id the key.
CREATE VIEW estafet.event_messages AS
  SELECT m.position, m.recorded_at, m.id, m.version, m.slot, m.stream_type AS topic, m.type, m.stream_id AS key,
    coalesce(m.correlation_id, m.id::text) AS correlation_id, m.causation_id, m.traceparent, m.headers, m.payload,
    (SELECT e.epoch FROM estafet.epoch AS e) AS epoch, m.stream_version
  FROM estafet.event AS m;

CREATE VIEW estafet.event_head AS
  SELECT e.epoch, e.timeline, e.timeline = estafet.timeline() AS is_timeline,
    e.system_identifier = (SELECT system_identifier::text FROM pg_control_system()) AS is_server,
    CASE WHEN s.is_called THEN s.last_value ELSE s.last_value - 1 END AS last_drawn,
    (SELECT seqcache FROM pg_sequence WHERE seqrelid = 'estafet.event_position'::regclass) AS cache
  FROM estafet.epoch AS e, estafet.event_position AS s;

-- The same for people and other tools, under the names that event stores usually have.
CREATE VIEW estafet.event_store AS
  SELECT m.id AS event_id, m.stream_id AS aggregate_id, m.stream_type AS aggregate_type, m.type AS event_type,
    m.payload AS event_data, m.stream_version AS event_version, m.recorded_at AS created_at
  FROM estafet.event AS m;

CREATE VIEW estafet.snapshots AS
  SELECT s.stream_id AS aggregate_id, s.stream_type AS aggregate_type, s.state::json AS snapshot_data,
    s.stream_version AS version, s.taken_at AS created_at
  FROM estafet.snapshot AS s;

-- Private: for the service itself, and for nobody who only subscribes to it.
DO $$
DECLARE
  kind text;
BEGIN
  EXECUTE format('GRANT EXECUTE ON FUNCTION estafet.append, estafet.append_one TO %I', estafet.role_name('publisher'));
  FOREACH kind IN ARRAY ARRAY['publisher', 'subscriber'] LOOP
    EXECUTE format('GRANT SELECT ON estafet.event_messages, estafet.event_head, estafet.event_store, estafet.snapshots TO %I',
      estafet.role_name(kind));
  END LOOP;
  EXECUTE format('GRANT SELECT ON estafet.append_id TO %I', estafet.role_name('publisher'));
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.snapshot TO %I', estafet.role_name('publisher'));
END
$$;
