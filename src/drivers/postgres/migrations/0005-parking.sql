-- What could not be handled: parked keys, the messages in their queues, every attempt, and what people did about it.

-- A key that waits. Its row is the lock of its queue: who adds behind it shares it, who lets it go takes it alone.
CREATE TABLE estafet.parked_key (
  subscription text NOT NULL,
  feed text NOT NULL,
  key text NOT NULL,
  lane smallint NOT NULL,
  -- retrying: its first message is tried at next_at. dead: it waits for a person.
  state text NOT NULL CHECK (state IN ('retrying', 'dead')),
  head bigint NOT NULL,
  -- Another with each attempt, its failure, each new first message and each decision of a person; a commit under an
  -- older one is refused. Drawn from one sequence: a key that comes free and is parked again never has an old one.
  fence bigint NOT NULL,
  tries int NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (subscription, feed, key)
);
CREATE SEQUENCE estafet.attempt_fence AS bigint OWNED BY estafet.parked_key.fence;
CREATE INDEX parked_key_due ON estafet.parked_key (subscription, feed, next_at) WHERE state = 'retrying';

-- waiting: behind the first of its key. retrying, dead: was tried and failed. applied, discarded, replaced: over.
CREATE TABLE estafet.parked_message (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- The place in the queue that it took over from the message it replaces; NULL: its own number.
  place bigint,
  subscription text NOT NULL,
  feed text NOT NULL,
  lane smallint NOT NULL,
  key text NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'retrying', 'dead', 'applied', 'discarded', 'replaced')),
  -- False for a dead letter whose key went on without it.
  is_blocking boolean NOT NULL DEFAULT true,
  parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  source text NOT NULL,
  epoch text NOT NULL,
  position bigint NOT NULL,
  recorded_at timestamptz NOT NULL,
  id text NOT NULL,
  type text NOT NULL,
  version int NOT NULL,
  topic text NOT NULL,
  correlation_id text NOT NULL,
  causation_id text,
  traceparent text,
  headers text,
  -- Bytes, not json: poison is just what json would refuse.
  payload bytea NOT NULL,
  -- Of all attempts; the key's row counts those since it was last parked or redriven.
  attempts int NOT NULL DEFAULT 0,
  handler text,
  error_name text,
  error_message text,
  fingerprint text,
  failed_at timestamptz,
  first_failed_at timestamptz,
  -- The job that takes care of it now.
  redrive bigint,
  replaces bigint
);
CREATE INDEX parked_message_queue ON estafet.parked_message (subscription, feed, key, coalesce(place, number))
  WHERE state IN ('waiting', 'retrying', 'dead');
CREATE INDEX parked_message_dead ON estafet.parked_message (subscription, number) WHERE state = 'dead';
-- A message is in its queue once, also when history is replayed. An edited one replaces it under its coordinates.
CREATE UNIQUE INDEX parked_message_once ON estafet.parked_message (subscription, feed, source, epoch, position)
  WHERE state IN ('waiting', 'retrying', 'dead');

CREATE TABLE estafet.attempt (
  message bigint NOT NULL REFERENCES estafet.parked_message ON DELETE CASCADE,
  number int NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  owner text NOT NULL,
  service_version text NOT NULL,
  -- started: under way, or its process died. crashed: its process died, as the next attempt found.
  outcome text NOT NULL CHECK (outcome IN ('started', 'failed', 'applied', 'crashed')),
  handler text,
  error_name text,
  error_message text,
  stack text,
  PRIMARY KEY (message, number)
);

-- What people did. Services can only add.
CREATE TABLE estafet.audit (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  who text NOT NULL,
  action text NOT NULL,
  subscription text NOT NULL,
  -- What it was done to, as asked for: a filter, numbers, a position.
  selection json,
  count bigint NOT NULL DEFAULT 0,
  reason text,
  details json
);

-- Brings dead letters back, in portions; everything it knows is here, so any process goes on with it.
CREATE TABLE estafet.redrive (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subscription text NOT NULL,
  -- Given by who asks: asking twice with the same is asking once.
  request_id text NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'paused', 'cancelled', 'stopped', 'done')),
  is_canary boolean NOT NULL,
  -- Messages a second; NULL: as fast as they go.
  rate int CHECK (rate > 0),
  selection json NOT NULL,
  requested_by text NOT NULL,
  reason text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_released_at timestamptz,
  UNIQUE (subscription, request_id)
);

CREATE TABLE estafet.redrive_message (
  redrive bigint NOT NULL REFERENCES estafet.redrive ON DELETE CASCADE,
  message bigint NOT NULL REFERENCES estafet.parked_message ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('pending', 'released', 'applied', 'failed', 'cancelled')),
  PRIMARY KEY (redrive, message)
);
-- One job at a time takes care of a message.
CREATE UNIQUE INDEX redrive_message_open ON estafet.redrive_message (message) WHERE state IN ('pending', 'released');

-- A subscription that a person paused.
CREATE TABLE estafet.paused_subscription (
  subscription text PRIMARY KEY,
  paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  paused_by text NOT NULL,
  reason text
);

-- Finds the first message of a key's queue and what state that puts the key in; lets the key go with the last one. The
-- caller's transaction holds the key from here on. A person's decision and a new first message start the tries anew.
CREATE FUNCTION estafet.settle_key(of_subscription text, of_feed text, of_key text, is_decision boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  old_head bigint;
  first record;
BEGIN
  -- Alone, and before the queue is looked at: what was added while we waited for the lock must be seen. Where there is
  -- no row we make one, so that two who begin the queue wait for each other as well.
  LOOP
    SELECT k.head INTO old_head FROM estafet.parked_key k
      WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO estafet.parked_key (subscription, feed, key, lane, state, head, fence, next_at)
      VALUES (of_subscription, of_feed, of_key, 0, 'dead', 0, 0, clock_timestamp()) ON CONFLICT DO NOTHING;
  END LOOP;
  SELECT m.number, m.lane, CASE m.state WHEN 'dead' THEN 'dead' ELSE 'retrying' END AS state INTO first
    FROM estafet.parked_message m
    WHERE m.subscription = of_subscription AND m.feed = of_feed AND m.key = of_key
      AND (m.state IN ('waiting', 'retrying') OR m.state = 'dead' AND m.is_blocking)
    ORDER BY coalesce(m.place, m.number) LIMIT 1;
  IF NOT FOUND THEN
    DELETE FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key;
  ELSIF is_decision OR old_head <> first.number THEN
    UPDATE estafet.parked_key k SET lane = first.lane, state = first.state, head = first.number,
        fence = nextval('estafet.attempt_fence'), tries = 0, next_at = clock_timestamp()
      WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key;
  ELSE
    -- The fence stays: an attempt that is under way must not fail because somebody looked.
    UPDATE estafet.parked_key k SET state = first.state
      WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key;
  END IF;
END
$$;

-- Puts messages at the end of their keys' queues: one with a failure, or several that nobody has tried. Those wait
-- behind what is there, and begin a queue where nothing is: none can be left without somebody who tries it.
CREATE FUNCTION estafet.park(
  of_subscription text, of_feed text, of_lane smallint, sources text[], epochs text[], positions bigint[],
  times timestamptz[], ids text[], types text[], versions int[], topics text[], keys text[], correlation_ids text[],
  causation_ids text[], traceparents text[], header_texts text[], payloads bytea[],
  failed_handler text, failed_name text, failed_message text, failed_stack text, failed_fingerprint text,
  failed_owner text, failed_version text, failed_tries int, retry_after_ms bigint, is_failure_blocking boolean
) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  first bigint;
BEGIN
  WITH added AS (
    INSERT INTO estafet.parked_message (subscription, feed, lane, key, state, is_blocking, source, epoch, position,
      recorded_at, id, type, version, topic, correlation_id, causation_id, traceparent, headers, payload)
    SELECT of_subscription, of_feed, of_lane, m.key,
      CASE WHEN failed_name IS NULL THEN 'waiting' WHEN retry_after_ms IS NULL THEN 'dead' ELSE 'retrying' END,
      failed_name IS NULL OR retry_after_ms IS NOT NULL OR is_failure_blocking,
      m.source, m.epoch, m.position, m.recorded_at, m.id, m.type, m.version, m.topic, m.correlation_id, m.causation_id,
      m.traceparent, m.headers, m.payload
    FROM unnest(sources, epochs, positions, times, ids, types, versions, topics, keys, correlation_ids, causation_ids,
      traceparents, header_texts, payloads) WITH ORDINALITY AS m (source, epoch, position, recorded_at, id, type, version,
      topic, key, correlation_id, causation_id, traceparent, headers, payload, at) ORDER BY m.at
    ON CONFLICT DO NOTHING RETURNING number
  )
  SELECT min(number) INTO first FROM added;
  IF first IS NULL THEN
    RETURN;
  END IF;
  IF failed_name IS NULL THEN
    -- As in Parking.hold: from here on none of these keys can come free before we have committed.
    PERFORM FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = ANY (keys)
      ORDER BY k.key FOR KEY SHARE;
    PERFORM estafet.settle_key(of_subscription, of_feed, m.key, false)
      FROM (SELECT DISTINCT unnest(keys) AS key ORDER BY 1) AS m
      WHERE NOT EXISTS (SELECT FROM estafet.parked_key k
        WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = m.key);
    RETURN;
  END IF;
  UPDATE estafet.parked_message m SET attempts = failed_tries, handler = failed_handler, error_name = failed_name,
      error_message = failed_message, fingerprint = failed_fingerprint, failed_at = clock_timestamp(),
      first_failed_at = clock_timestamp() WHERE m.number = first;
  INSERT INTO estafet.attempt (message, number, ended_at, owner, service_version, outcome, handler, error_name,
      error_message, stack)
    VALUES (first, failed_tries, clock_timestamp(), failed_owner, failed_version, 'failed', failed_handler, failed_name,
      failed_message, failed_stack);
  IF retry_after_ms IS NOT NULL OR is_failure_blocking THEN
    PERFORM estafet.settle_key(of_subscription, of_feed, keys[1], false);
    UPDATE estafet.parked_key k SET next_at = clock_timestamp() + coalesce(retry_after_ms, 0) * interval '1 millisecond'
      WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = keys[1] AND k.head = first;
  END IF;
END
$$;

-- Begins an attempt: see Retries.begin.
CREATE FUNCTION estafet.begin_attempt(
  of_subscription text, of_feed text, of_key text, of_owner text, of_version text, held_ms bigint
) RETURNS TABLE (number bigint, fence bigint, tries int, crashes bigint, is_redriven boolean)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  due record;
BEGIN
  -- SKIP LOCKED: a frozen process's open transaction must not freeze those who try other keys. Who only holds the key
  -- is not in the way.
  PERFORM FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key
    AND k.state = 'retrying' AND k.next_at <= clock_timestamp() FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE estafet.parked_key k SET fence = nextval('estafet.attempt_fence'), tries = k.tries + 1,
      next_at = clock_timestamp() + held_ms * interval '1 millisecond'
    WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key
    RETURNING k.head, k.fence, k.tries INTO due;
  UPDATE estafet.attempt a SET outcome = 'crashed' WHERE a.message = due.head AND a.outcome = 'started';
  UPDATE estafet.parked_message m SET attempts = m.attempts + 1, state = 'retrying' WHERE m.number = due.head;
  INSERT INTO estafet.attempt (message, number, owner, service_version, outcome)
    SELECT m.number, m.attempts, of_owner, of_version, 'started' FROM estafet.parked_message m WHERE m.number = due.head;
  RETURN QUERY SELECT due.head, due.fence, due.tries,
    (SELECT count(*) FROM estafet.attempt a WHERE a.message = due.head AND a.outcome = 'crashed'
      AND a.number > coalesce((SELECT max(b.number) FROM estafet.attempt b
        WHERE b.message = due.head AND b.outcome = 'failed'), 0)),
    EXISTS (SELECT FROM estafet.redrive_message r WHERE r.message = due.head AND r.state = 'released');
END
$$;

-- Takes an applied message off its queue: see Retries.applied.
CREATE FUNCTION estafet.attempt_applied(
  of_subscription text, of_feed text, of_key text, of_message bigint, of_fence bigint
) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key
    AND k.fence = of_fence AND k.head = of_message FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'ESF02', MESSAGE = 'another attempt has begun, or somebody decided';
  END IF;
  -- One that only waited leaves no trace; what failed or ended a process once is history worth keeping.
  DELETE FROM estafet.parked_message m
    WHERE m.number = of_message AND m.error_name IS NULL AND m.attempts = 1 AND m.replaces IS NULL;
  IF NOT FOUND THEN
    UPDATE estafet.parked_message m SET state = 'applied', ended_at = clock_timestamp() WHERE m.number = of_message;
    UPDATE estafet.attempt a SET outcome = 'applied', ended_at = clock_timestamp()
      WHERE a.message = of_message AND a.outcome = 'started';
    UPDATE estafet.redrive_message r SET state = 'applied' WHERE r.message = of_message AND r.state = 'released';
  END IF;
  PERFORM estafet.settle_key(of_subscription, of_feed, of_key, false);
END
$$;

-- Saves a failed attempt: see Retries.failed.
CREATE FUNCTION estafet.attempt_failed(
  of_subscription text, of_feed text, of_key text, of_message bigint, of_fence bigint, failed_handler text,
  failed_name text, failed_message text, failed_stack text, failed_fingerprint text, retry_after_ms bigint,
  is_failure_blocking boolean, is_counted boolean
) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key
    AND k.fence = of_fence AND k.head = of_message FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- Another fence: this attempt is over, and saving its failure again does nothing.
  UPDATE estafet.parked_key k SET fence = nextval('estafet.attempt_fence'),
      tries = CASE WHEN is_counted THEN k.tries ELSE k.tries - 1 END,
      next_at = clock_timestamp() + coalesce(retry_after_ms, 0) * interval '1 millisecond'
    WHERE k.subscription = of_subscription AND k.feed = of_feed AND k.key = of_key;
  IF is_counted THEN
    UPDATE estafet.attempt a SET outcome = 'failed', ended_at = clock_timestamp(), handler = failed_handler,
        error_name = failed_name, error_message = failed_message, stack = failed_stack
      WHERE a.message = of_message AND a.outcome = 'started';
  ELSE
    -- An outage of hours must not fill the table, and leaves no attempt behind.
    DELETE FROM estafet.attempt a WHERE a.message = of_message AND a.outcome = 'started';
    UPDATE estafet.parked_message m SET attempts = m.attempts - 1 WHERE m.number = of_message;
  END IF;
  UPDATE estafet.parked_message m SET handler = failed_handler, error_name = failed_name,
      error_message = failed_message, fingerprint = failed_fingerprint, failed_at = clock_timestamp(),
      first_failed_at = coalesce(m.first_failed_at, clock_timestamp()),
      state = CASE WHEN retry_after_ms IS NULL THEN 'dead' ELSE 'retrying' END,
      -- A key that went on without it once must not be blocked by it later: nobody would know, and it has lost its place.
      is_blocking = m.is_blocking AND (retry_after_ms IS NOT NULL OR is_failure_blocking)
    WHERE m.number = of_message;
  IF retry_after_ms IS NULL THEN
    UPDATE estafet.redrive_message r SET state = 'failed' WHERE r.message = of_message AND r.state = 'released';
    PERFORM estafet.settle_key(of_subscription, of_feed, of_key, false);
  END IF;
  RETURN true;
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.parked_key, estafet.parked_message, estafet.attempt,
    estafet.redrive, estafet.redrive_message, estafet.paused_subscription TO %I', estafet.role_name('subscriber'));
  EXECUTE format('GRANT USAGE ON SEQUENCE estafet.attempt_fence TO %I', estafet.role_name('subscriber'));
  EXECUTE format('GRANT SELECT, INSERT ON estafet.audit TO %I', estafet.role_name('subscriber'));
END
$$;
