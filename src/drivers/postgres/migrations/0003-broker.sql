-- PostgreSQL as the broker of relayed messages: topics with partitions, numbered without a gap by a row that every
-- writer of the partition locks until it commits. So offset order is commit order and a reader needs no protocol.

CREATE TABLE estafet.topic_partition (
  topic text NOT NULL,
  partition smallint NOT NULL,
  last_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE estafet.topic_message (
  topic text NOT NULL,
  partition smallint NOT NULL,
  "offset" bigint NOT NULL,
  previous bigint NOT NULL,
  source text NOT NULL,
  epoch text NOT NULL,
  position bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  id uuid NOT NULL,
  version smallint NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  correlation_id text NOT NULL,
  causation_id text,
  traceparent text,
  headers json,
  payload json NOT NULL,
  PRIMARY KEY (topic, partition, "offset")
);

CREATE FUNCTION estafet.make_topic(of_topic text, partitions int) RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
  -- Whoever is first decides the number; the second must see all of the first's rows.
  SELECT pg_advisory_xact_lock(1163084873, hashtext(of_topic));
  INSERT INTO estafet.topic_partition (topic, partition)
    SELECT of_topic, n FROM generate_series(0, partitions - 1) AS n
    WHERE NOT EXISTS (SELECT FROM estafet.topic_partition p WHERE p.topic = of_topic)
    ON CONFLICT DO NOTHING;
  SELECT count(*)::int FROM estafet.topic_partition p WHERE p.topic = of_topic;
END;
REVOKE ALL ON FUNCTION estafet.make_topic FROM PUBLIC;

-- Appends messages of one topic's partition, in the order given.
CREATE FUNCTION estafet.send(
  to_topic text, to_partition smallint, previouses bigint[], sources text[], epochs text[], positions bigint[],
  times timestamptz[], ids uuid[], versions smallint[], types text[], keys text[], correlation_ids text[],
  causation_ids text[], traceparents text[], header_texts text[], payloads text[]
) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER
BEGIN ATOMIC
  WITH numbered AS (
    UPDATE estafet.topic_partition p SET last_offset = p.last_offset + cardinality(ids)
    WHERE p.topic = to_topic AND p.partition = to_partition
    RETURNING p.last_offset - cardinality(ids) AS base
  )
  INSERT INTO estafet.topic_message (topic, partition, "offset", previous, source, epoch, position, recorded_at, id,
    version, type, key, correlation_id, causation_id, traceparent, headers, payload)
  SELECT to_topic, to_partition, numbered.base + m.at, m.previous, m.source, m.epoch, m.position, m.recorded_at, m.id,
    m.version, m.type, m.key, m.correlation_id, m.causation_id, m.traceparent, m.headers::json, m.payload::json
  FROM numbered, unnest(previouses, sources, epochs, positions, times, ids, versions, types, keys, correlation_ids,
    causation_ids, traceparents, header_texts, payloads) WITH ORDINALITY AS m (previous, source, epoch, position,
    recorded_at, id, version, type, key, correlation_id, causation_id, traceparent, headers, payload, at);
END;
REVOKE ALL ON FUNCTION estafet.send FROM PUBLIC;

CREATE VIEW estafet.topic_messages AS SELECT * FROM estafet.topic_message;
CREATE VIEW estafet.topic_ends AS SELECT topic, partition, last_offset FROM estafet.topic_partition;
