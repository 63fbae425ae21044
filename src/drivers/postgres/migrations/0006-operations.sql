-- What people decide about what could not be handled. Each function is one statement to its caller, so what it does and
-- its audit row are one transaction. `outcome` is
--   done      it was done now
--   repeated  it was done before, when the same request came first; `count` is what was done then
--   reused    the request id belongs to another request: nothing was done
--   changed   what was chosen is not what the person saw: nothing was done, `count` is what there is
--   missing   there is no such thing, or not any more: nothing was done

CREATE UNIQUE INDEX audit_request ON estafet.audit (subscription, (details ->> 'requestId'))
  WHERE details ->> 'requestId' IS NOT NULL;
CREATE INDEX parked_message_replaces ON estafet.parked_message (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX parked_message_ended ON estafet.parked_message (subscription, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX parked_message_discarded ON estafet.parked_message (subscription, feed, source, epoch, position)
  WHERE state = 'discarded';
CREATE INDEX redrive_message_of ON estafet.redrive_message (message);
CREATE INDEX redrive_running ON estafet.redrive (subscription) WHERE state = 'running';

-- The dead letters that a selection means. The free ones are those that no open job takes care of.
CREATE FUNCTION estafet.dead_letters(of_subscription text, selection json, is_free boolean) RETURNS SETOF bigint
LANGUAGE sql STABLE
AS $$
  SELECT m.number FROM estafet.parked_message m
  WHERE m.subscription = of_subscription AND m.state = 'dead'
    AND (selection ->> 'numbers' IS NULL
      OR m.number IN (SELECT n.number::bigint FROM json_array_elements_text(selection -> 'numbers') AS n (number)))
    AND (selection ->> 'fingerprint' IS NULL OR m.fingerprint = selection ->> 'fingerprint')
    AND (selection ->> 'type' IS NULL OR m.type = selection ->> 'type')
    AND (selection ->> 'key' IS NULL OR m.key = selection ->> 'key')
    AND (selection ->> 'handler' IS NULL OR m.handler = selection ->> 'handler')
    AND (selection ->> 'before' IS NULL OR m.failed_at < (selection ->> 'before')::timestamptz)
    AND NOT (is_free AND EXISTS (SELECT FROM estafet.redrive_message r
      WHERE r.message = m.number AND r.state IN ('pending', 'released')))
$$;

-- The same, locked: what is returned stays as it is until the transaction ends.
CREATE FUNCTION estafet.take_dead_letters(of_subscription text, selection json, is_free boolean) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen bigint[];
BEGIN
  -- In one order for everybody. Chosen anew once they are locked: while we waited, somebody may have decided.
  chosen := ARRAY(SELECT m.number FROM estafet.parked_message m
    WHERE m.number IN (SELECT estafet.dead_letters(of_subscription, selection, is_free))
    ORDER BY m.number FOR UPDATE);
  RETURN ARRAY(SELECT d.number FROM estafet.dead_letters(of_subscription, selection, is_free) AS d (number)
    WHERE d.number = ANY (chosen) ORDER BY d.number);
END
$$;

-- What became of a request that was made before; no row when it is new. Until the transaction ends nobody else can make
-- it: two clicks at once are one request.
CREATE FUNCTION estafet.earlier_request(
  of_subscription text, of_action text, of_selection json, of_request text, OUT outcome text, OUT count bigint,
  OUT result text
) RETURNS SETOF record
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1163084873, hashtext(of_subscription || '/' || of_request));
  RETURN QUERY SELECT CASE WHEN a.action = of_action AND a.selection::text IS NOT DISTINCT FROM of_selection::text
      THEN 'repeated' ELSE 'reused' END, a.count, a.details ->> 'result'
    FROM estafet.audit a WHERE a.subscription = of_subscription AND a.details ->> 'requestId' = of_request;
END
$$;

CREATE FUNCTION estafet.note_decision(
  of_subscription text, of_action text, of_selection json, of_request text, of_count bigint, of_who text,
  of_reason text, of_result text, of_more json
) RETURNS void
LANGUAGE sql VOLATILE
AS $$
  INSERT INTO estafet.audit (who, action, subscription, selection, count, reason, details)
  VALUES (of_who, of_action, of_subscription, of_selection, of_count, of_reason, json_strip_nulls((
    coalesce(of_more::jsonb, '{}') || jsonb_build_object('requestId', of_request, 'result', of_result))::json))
$$;

-- Settles the queues of messages that a person decided about, in one order for everybody.
CREATE FUNCTION estafet.settle_queues(numbers bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM estafet.settle_key(k.subscription, k.feed, k.key, true) FROM (
    SELECT DISTINCT m.subscription, m.feed, m.key FROM estafet.parked_message m WHERE m.number = ANY (numbers)
    ORDER BY 1, 2, 3) AS k;
END
$$;

-- Begins a job that brings dead letters back: see Redrives.start.
CREATE FUNCTION estafet.start_redrive(
  of_subscription text, of_selection json, expected bigint, of_request text, of_canary boolean, of_rate int,
  of_who text, of_reason text, OUT outcome text, OUT number bigint, OUT count bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen bigint[];
BEGIN
  SELECT e.outcome, e.result::bigint, e.count INTO outcome, number, count
    FROM estafet.earlier_request(of_subscription, 'redrive', of_selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  chosen := estafet.take_dead_letters(of_subscription, of_selection, true);
  count := cardinality(chosen);
  IF count <> expected THEN
    outcome := 'changed';
    RETURN;
  END IF;
  INSERT INTO estafet.redrive AS r (subscription, request_id, state, is_canary, rate, selection, requested_by, reason)
    VALUES (of_subscription, of_request, 'running', of_canary, of_rate, of_selection, of_who, of_reason)
    RETURNING r.number INTO number;
  INSERT INTO estafet.redrive_message (redrive, message, state)
    SELECT start_redrive.number, c.number, 'pending' FROM unnest(chosen) AS c (number);
  UPDATE estafet.parked_message m SET redrive = start_redrive.number WHERE m.number = ANY (chosen);
  PERFORM estafet.note_decision(of_subscription, 'redrive', of_selection, of_request, count, of_who, of_reason,
    number::text, json_build_object('canary', of_canary, 'rate', of_rate));
  outcome := 'done';
END
$$;

-- Ends a job; what it has not released yet is for others to redrive.
CREATE FUNCTION estafet.end_redrive(of_redrive bigint, of_state text, of_who text, of_reason text) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  UPDATE estafet.parked_message m SET redrive = NULL FROM estafet.redrive_message r
    WHERE r.redrive = of_redrive AND r.state = 'pending' AND m.number = r.message AND m.redrive = of_redrive;
  UPDATE estafet.redrive_message r SET state = 'cancelled' WHERE r.redrive = of_redrive AND r.state = 'pending';
  UPDATE estafet.redrive r SET state = of_state, changed_at = clock_timestamp() WHERE r.number = of_redrive;
  INSERT INTO estafet.audit (who, action, subscription, selection, count, reason, details)
    SELECT of_who, 'redrive ' || of_state, j.subscription, j.selection, s.applied, of_reason,
      json_build_object('redrive', j.number::text, 'applied', s.applied, 'failed', s.failed, 'cancelled', s.cancelled)
    FROM estafet.redrive j, (SELECT count(*) FILTER (WHERE r.state = 'applied') AS applied,
      count(*) FILTER (WHERE r.state = 'failed') AS failed, count(*) FILTER (WHERE r.state = 'cancelled') AS cancelled
      FROM estafet.redrive_message r WHERE r.redrive = of_redrive) AS s
    WHERE j.number = of_redrive;
END
$$;

-- Pauses a job, lets it go on, or cancels it: see Redrives.change. `state` is the one that it is in now.
CREATE FUNCTION estafet.change_redrive(
  of_subscription text, of_redrive bigint, to_state text, of_who text, of_reason text, OUT outcome text, OUT state text
)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  SELECT r.state INTO state FROM estafet.redrive r WHERE r.subscription = of_subscription AND r.number = of_redrive
    FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'missing';
  ELSIF state = to_state THEN
    outcome := 'repeated';
  ELSIF state NOT IN ('running', 'paused') THEN
    outcome := 'changed';
  ELSIF to_state = 'cancelled' THEN
    PERFORM estafet.end_redrive(of_redrive, to_state, of_who, of_reason);
    outcome := 'done';
    state := to_state;
  ELSE
    UPDATE estafet.redrive r SET state = to_state, changed_at = clock_timestamp() WHERE r.number = of_redrive;
    INSERT INTO estafet.audit (who, action, subscription, count, reason, details)
      VALUES (of_who, 'redrive ' || to_state, of_subscription, 0, of_reason,
        json_build_object('redrive', of_redrive::text));
    outcome := 'done';
    state := to_state;
  END IF;
END
$$;

-- How many messages a job may release now: those of its stage, at its rate. A canary has stages of 1, of 10 and of the
-- rest; each begins when all of the one before were applied.
CREATE FUNCTION estafet.redrive_portion(job estafet.redrive, pending bigint, released bigint, applied bigint)
RETURNS bigint
LANGUAGE sql STABLE
AS $$
  SELECT least(1000, pending,
    CASE
      WHEN NOT job.is_canary THEN pending
      WHEN released + applied IN (1, 11) AND released > 0 THEN 0
      WHEN released + applied < 1 THEN 1
      WHEN released + applied < 11 THEN 11 - released - applied
      ELSE pending
    END,
    CASE
      WHEN job.rate IS NULL THEN pending
      WHEN job.last_released_at IS NULL THEN 1
      -- At most a second's worth at once, however long nobody stepped.
      ELSE floor(job.rate * least(1, extract(epoch FROM clock_timestamp() - job.last_released_at)))
    END)::bigint
$$;

-- Takes one step with one job whose row the caller has locked.
CREATE FUNCTION estafet.step_redrive(job estafet.redrive) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  seen record;
  portion bigint;
  chosen bigint[];
BEGIN
  SELECT count(*) FILTER (WHERE r.state = 'pending') AS pending, count(*) FILTER (WHERE r.state = 'released') AS released,
      count(*) FILTER (WHERE r.state = 'applied') AS applied, count(*) FILTER (WHERE r.state = 'failed') AS failed
    INTO seen FROM estafet.redrive_message r WHERE r.redrive = job.number;
  IF job.is_canary AND seen.failed > 0 THEN
    PERFORM estafet.end_redrive(job.number, 'stopped', job.requested_by, 'a message failed again');
    RETURN;
  END IF;
  IF seen.pending = 0 THEN
    IF seen.released = 0 THEN
      PERFORM estafet.end_redrive(job.number, 'done', job.requested_by, job.reason);
    END IF;
    RETURN;
  END IF;
  portion := estafet.redrive_portion(job, seen.pending, seen.released, seen.applied);
  IF portion < 1 THEN
    RETURN;
  END IF;
  chosen := ARRAY(SELECT m.number FROM estafet.redrive_message r JOIN estafet.parked_message m ON m.number = r.message
    WHERE r.redrive = job.number AND r.state = 'pending' ORDER BY coalesce(m.place, m.number), m.number LIMIT portion);
  PERFORM FROM estafet.parked_message m WHERE m.number = ANY (chosen) ORDER BY m.number FOR UPDATE;
  -- One that a person decided about meanwhile is no dead letter any more, and not ours.
  UPDATE estafet.parked_message m SET state = 'retrying' WHERE m.number = ANY (chosen) AND m.state = 'dead';
  UPDATE estafet.redrive_message r SET state = 'released' FROM estafet.parked_message m
    WHERE r.redrive = job.number AND r.state = 'pending' AND r.message = ANY (chosen)
      AND m.number = r.message AND m.state = 'retrying';
  PERFORM estafet.settle_queues(chosen);
  UPDATE estafet.redrive j SET changed_at = clock_timestamp(), last_released_at = CASE
      WHEN job.rate IS NULL OR job.last_released_at IS NULL THEN clock_timestamp()
      -- Not now, but when these were due: else the rest of each interval would be lost.
      ELSE greatest(job.last_released_at, clock_timestamp() - interval '1 second')
        + portion * interval '1 second' / job.rate END
    WHERE j.number = job.number;
END
$$;

-- Takes a step with each running job that nobody else is stepping: see Redrives.step.
CREATE FUNCTION estafet.step_redrives(of_subscription text) RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  job estafet.redrive;
BEGIN
  FOR job IN SELECT r.* FROM estafet.redrive r WHERE r.subscription = of_subscription AND r.state = 'running'
      ORDER BY r.number FOR UPDATE SKIP LOCKED LOOP
    PERFORM estafet.step_redrive(job);
  END LOOP;
  RETURN EXISTS (SELECT FROM estafet.redrive r WHERE r.subscription = of_subscription AND r.state = 'running');
END
$$;

-- Gives dead letters up: see DeadLetterDecisions.discard.
CREATE FUNCTION estafet.discard(
  of_subscription text, of_selection json, expected bigint, of_request text, of_who text, of_reason text,
  OUT outcome text, OUT count bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen bigint[];
BEGIN
  SELECT e.outcome, e.count INTO outcome, count
    FROM estafet.earlier_request(of_subscription, 'discard', of_selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  chosen := estafet.take_dead_letters(of_subscription, of_selection, false);
  count := cardinality(chosen);
  IF count <> expected THEN
    outcome := 'changed';
    RETURN;
  END IF;
  UPDATE estafet.parked_message m SET state = 'discarded', ended_at = clock_timestamp() WHERE m.number = ANY (chosen);
  UPDATE estafet.redrive_message r SET state = 'cancelled' WHERE r.message = ANY (chosen) AND r.state = 'pending';
  PERFORM estafet.settle_queues(chosen);
  PERFORM estafet.note_decision(of_subscription, 'discard', of_selection, of_request, count, of_who, of_reason, NULL, NULL);
  outcome := 'done';
END
$$;

-- Puts a new message into the place of a dead letter: see DeadLetterDecisions.edit.
CREATE FUNCTION estafet.edit_dead_letter(
  of_subscription text, of_number bigint, new_id text, new_payload bytea, changed_fields text[], of_request text,
  of_who text, of_reason text, OUT outcome text, OUT number bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  selection json := json_build_object('numbers', json_build_array(of_number::text));
BEGIN
  SELECT e.outcome, e.result::bigint INTO outcome, number
    FROM estafet.earlier_request(of_subscription, 'edit', selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  IF cardinality(estafet.take_dead_letters(of_subscription, selection, false)) = 0 THEN
    outcome := 'missing';
    RETURN;
  END IF;
  UPDATE estafet.parked_message m SET state = 'replaced', ended_at = clock_timestamp() WHERE m.number = of_number;
  UPDATE estafet.redrive_message r SET state = 'cancelled' WHERE r.message = of_number AND r.state = 'pending';
  INSERT INTO estafet.parked_message AS m (place, subscription, feed, lane, key, state, is_blocking, source, epoch, position,
      recorded_at, id, type, version, topic, correlation_id, causation_id, traceparent, headers, payload, replaces)
    SELECT coalesce(o.place, o.number), o.subscription, o.feed, o.lane, o.key, 'waiting', o.is_blocking, o.source, o.epoch, o.position,
      o.recorded_at, new_id, o.type, o.version, o.topic, o.correlation_id, o.causation_id, o.traceparent, o.headers,
      new_payload, o.number
    FROM estafet.parked_message o WHERE o.number = of_number
    RETURNING m.number INTO number;
  PERFORM estafet.settle_queues(ARRAY[number]);
  PERFORM estafet.note_decision(of_subscription, 'edit', selection, of_request, 1, of_who, of_reason, number::text,
    json_build_object('fields', changed_fields));
  outcome := 'done';
END
$$;

-- Takes in dead letters that were exported: see DeadLetterDecisions.take.
CREATE FUNCTION estafet.import_dead_letters(
  of_subscription text, of_letters json, expected bigint, of_request text, of_who text, of_reason text,
  OUT outcome text, OUT count bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  -- Not the letters themselves: the audit keeps no content.
  selection json := json_build_object('letters', encode(sha256(convert_to(of_letters::text, 'UTF8')), 'hex'));
BEGIN
  SELECT e.outcome, e.count INTO outcome, count
    FROM estafet.earlier_request(of_subscription, 'import', selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  count := json_array_length(of_letters);
  IF count <> expected THEN
    outcome := 'changed';
    RETURN;
  END IF;
  WITH added AS (
    INSERT INTO estafet.parked_message (subscription, feed, lane, key, state, is_blocking, source, epoch, position,
      recorded_at, id, type, version, topic, correlation_id, causation_id, traceparent, headers, payload, handler,
      error_name, error_message, fingerprint, failed_at, first_failed_at)
    SELECT of_subscription, l.feed, l.lane, l.key, 'dead', false, l.source, l.epoch, l.position, l."recordedAt", l.id,
      l.type, l.version, l.topic, l."correlationId", l."causationId", l.traceparent, l.headers::text,
      decode(l.payload, 'base64'), l.handler, l."errorName", l."errorMessage", l.fingerprint, l."failedAt",
      l."failedAt"
    FROM json_to_recordset(of_letters) AS l (feed text, lane smallint, key text, source text, epoch text, position bigint,
      "recordedAt" timestamptz, id text, type text, version int, topic text, "correlationId" text, "causationId" text,
      traceparent text, headers json, payload text, handler text, "errorName" text, "errorMessage" text,
      fingerprint text, "failedAt" timestamptz)
    -- What was applied once, or replaced, must not come back to be applied again; what was discarded may.
    WHERE NOT EXISTS (SELECT FROM estafet.parked_message known WHERE known.subscription = of_subscription
      AND known.state <> 'discarded'
      AND known.feed = l.feed AND known.source = l.source AND known.epoch = l.epoch AND known.position = l.position)
    ORDER BY l.feed, l.source, l.position
    ON CONFLICT DO NOTHING RETURNING 1
  )
  SELECT count(*) INTO import_dead_letters.count FROM added;
  PERFORM estafet.note_decision(of_subscription, 'import', selection, of_request, count, of_who, of_reason, NULL,
    json_build_object('given', json_array_length(of_letters)));
  outcome := 'done';
END
$$;

-- Audits what has no function of its own, as part of the caller's transaction: see Audit.record.
CREATE FUNCTION estafet.record_request(
  of_subscription text, of_action text, of_selection json, of_request text, of_count bigint, of_who text,
  of_reason text, of_result text, OUT outcome text, OUT result text
)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  SELECT e.outcome, e.result INTO outcome, result
    FROM estafet.earlier_request(of_subscription, of_action, of_selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  PERFORM estafet.note_decision(of_subscription, of_action, of_selection, of_request, of_count, of_who, of_reason,
    of_result, NULL);
  outcome := 'done';
  result := of_result;
END
$$;

-- Sets a feed's lanes back: see Replays.replay. Lane `i` goes to `starts[i + 1]`, if that is behind it.
CREATE FUNCTION estafet.replay(
  of_subscription text, of_feed text, of_epoch text, starts bigint[], reached bigint[], of_selection json,
  counted bigint, expected bigint, of_request text, of_who text, of_reason text, OUT outcome text, OUT count bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  SELECT e.outcome, e.count INTO outcome, count
    FROM estafet.earlier_request(of_subscription, 'replay', of_selection, of_request) AS e;
  IF FOUND THEN
    RETURN;
  END IF;
  count := counted;
  IF counted <> expected THEN
    outcome := 'changed';
    RETURN;
  END IF;
  PERFORM FROM estafet.lane l WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch
    ORDER BY l.lane FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'missing';
    RETURN;
  END IF;
  -- What is parked comes before what would come again: taken again behind it, a key's history would end with its beginning.
  IF EXISTS (SELECT FROM estafet.parked_key k WHERE k.subscription = of_subscription AND k.feed = of_feed) THEN
    outcome := 'parked';
    RETURN;
  END IF;
  -- Behind what the person saw: somebody else has set it back in between.
  IF EXISTS (SELECT FROM estafet.lane l WHERE l.subscription = of_subscription AND l.feed = of_feed
      AND l.epoch = of_epoch AND (reached[l.lane + 1] IS NULL OR l.cursor < reached[l.lane + 1])) THEN
    outcome := 'changed';
    RETURN;
  END IF;
  -- No owner and another fence: who works on it now cannot save, and whoever takes it begins there.
  UPDATE estafet.lane l SET cursor = starts[l.lane + 1], marks = NULL, owner = NULL, leased_until = NULL,
      fence = l.fence + 1, abandoned = 0
    WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch
      AND l.cursor > starts[l.lane + 1];
  PERFORM estafet.note_decision(of_subscription, 'replay', of_selection, of_request, counted, of_who, of_reason, NULL,
    json_build_object('feed', of_feed, 'starts', starts, 'reached', reached));
  outcome := 'done';
END
$$;

-- Pauses a subscription, or lets it go on: see SubscriptionControl.pause.
CREATE FUNCTION estafet.pause_subscription(of_subscription text, is_paused boolean, of_who text, of_reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  IF is_paused THEN
    INSERT INTO estafet.paused_subscription (subscription, paused_by, reason)
      VALUES (of_subscription, of_who, of_reason) ON CONFLICT DO NOTHING;
  ELSE
    DELETE FROM estafet.paused_subscription p WHERE p.subscription = of_subscription;
  END IF;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO estafet.audit (who, action, subscription, count, reason)
    VALUES (of_who, CASE WHEN is_paused THEN 'pause' ELSE 'resume' END, of_subscription, 1, of_reason);
  RETURN true;
END
$$;

-- Removes what ended more than so many days ago: see Retention.prune. A message stays as long as what replaced it.
CREATE FUNCTION estafet.prune(of_subscription text, days int, of_who text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  until timestamptz := clock_timestamp() - days * interval '1 day';
  jobs bigint;
  pruned bigint;
BEGIN
  DELETE FROM estafet.redrive r WHERE r.subscription = of_subscription AND r.state IN ('cancelled', 'stopped', 'done')
    AND r.changed_at < until AND NOT EXISTS (SELECT FROM estafet.redrive_message o
      WHERE o.redrive = r.number AND o.state IN ('pending', 'released'));
  GET DIAGNOSTICS jobs = ROW_COUNT;
  DELETE FROM estafet.parked_message m WHERE m.subscription = of_subscription AND m.ended_at < until
    AND m.state IN ('applied', 'discarded', 'replaced')
    AND NOT EXISTS (SELECT FROM estafet.parked_message later WHERE later.replaces = m.number)
    AND NOT EXISTS (SELECT FROM estafet.redrive_message o JOIN estafet.redrive r ON r.number = o.redrive
      WHERE o.message = m.number AND r.state IN ('running', 'paused'));
  GET DIAGNOSTICS pruned = ROW_COUNT;
  IF pruned + jobs > 0 THEN
    INSERT INTO estafet.audit (who, action, subscription, selection, count, details)
      VALUES (of_who, 'prune', of_subscription, json_build_object('days', days), pruned, json_build_object('redrives', jobs));
  END IF;
  RETURN pruned;
END
$$;

-- A service may read its own log: its ops API shows it.
DO $$
BEGIN
  EXECUTE format('GRANT SELECT ON estafet.outbox_messages TO %I', estafet.role_name('subscriber'));
END
$$;
