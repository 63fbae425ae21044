-- A row is an event. Whoever may insert a row publishes it, with plain SQL and from any language.

CREATE FUNCTION is_id(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN coalesce(CASE jsonb_typeof(value)
  WHEN 'string' THEN (value #>> '{}') ~ '^[A-Za-z0-9_.:-]{1,100}$'
  WHEN 'number' THEN (value #>> '{}') ~ '^-?[0-9]{1,15}$'
END, false);

CREATE TABLE outbox_events (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  event_type text NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- How often the relay handed it to the broker, and why that failed last; kept after it succeeded.
  publish_attempts int NOT NULL DEFAULT 0,
  last_error text,
  published_at timestamptz,
  -- The same key again is refused; ON CONFLICT DO NOTHING ignores it.
  idempotency_key text UNIQUE,
  status text NOT NULL DEFAULT 'new',

  -- The names are what an inserter reads when a row is refused.
  CONSTRAINT event_type_is_game_finished CHECK (event_type = 'game.finished'),
  CONSTRAINT aggregate_type_is_game CHECK (aggregate_type = 'game'),
  CONSTRAINT aggregate_id_is_the_game_id CHECK (aggregate_id = payload ->> 'game_id'),
  CONSTRAINT payload_needs_game_id CHECK (is_id(payload -> 'game_id')),
  CONSTRAINT payload_needs_chat_id CHECK (is_id(payload -> 'chat_id')),
  CONSTRAINT payload_wants_nothing_else CHECK (payload - ARRAY['game_id', 'chat_id'] = '{}'),
  CONSTRAINT idempotency_key_is_short CHECK (length(idempotency_key) BETWEEN 1 AND 200),
  CONSTRAINT status_is_new_or_sent CHECK (status IN ('new', 'sent')),
  CONSTRAINT sent_means_published CHECK ((status = 'sent') = (published_at IS NOT NULL))
);
CREATE INDEX outbox_events_by_time ON outbox_events (created_at);
CREATE INDEX outbox_events_waiting ON outbox_events (id) WHERE status = 'new';

-- Publishes the inserted rows in the transaction that inserts them: a rollback takes the message back, too, and the log
-- keeps the order of commits. It runs with its owner's rights, so that an inserter needs none but INSERT; the search_path
-- is fixed, so that nobody can put functions of his own in the place of ours.
CREATE FUNCTION publish_outbox_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF EXISTS (SELECT FROM inserted WHERE status <> 'new' OR publish_attempts <> 0 OR last_error IS NOT NULL) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation',
      MESSAGE = 'a row of outbox_events begins as new, with no attempts and no error: the relay does the rest';
  END IF;
  -- All rows of a statement at once, because the log locks their keys in one order for everybody.
  PERFORM estafet.publish(
    ids => array_agg(id),
    types => array_agg(event_type),
    versions => array_agg(1::smallint),
    topics => array_agg('game-events'::text),
    keys => array_agg(aggregate_id),
    -- Of the request that this follows from: SET LOCAL games.correlation_id, or nothing.
    correlation_ids => array_agg(left(nullif(current_setting('games.correlation_id', true), ''), 100)),
    causation_ids => array_agg(NULL::text),
    traceparents => array_agg(NULL::text),
    header_texts => array_agg(NULL::text),
    payloads => array_agg(payload::text),
    is_unsure => false
  ) FROM inserted HAVING count(*) > 0;
  RETURN NULL;
END
$$;
-- Else anybody could attach it to a table of his own, and publish what he likes.
REVOKE ALL ON FUNCTION publish_outbox_events FROM PUBLIC;

CREATE TRIGGER publish_outbox_events AFTER INSERT ON outbox_events
  REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION publish_outbox_events();

-- The service and its relay.
GRANT SELECT, INSERT ON outbox_events TO games;
GRANT UPDATE (publish_attempts, last_error, published_at, status) ON outbox_events TO games;
-- Everybody else who finishes games.
GRANT INSERT ON outbox_events TO referee;
