-- How far each subscription of this service got, and which process works on what. Times are this server's clock.

CREATE TABLE estafet.member (
  subscription text NOT NULL,
  feed text NOT NULL,
  owner text NOT NULL,
  alive_until timestamptz NOT NULL,
  PRIMARY KEY (subscription, feed, owner)
);

-- fillfactor: each batch updates its lane's row, and the new version should find room on the same page.
CREATE TABLE estafet.lane (
  subscription text NOT NULL,
  feed text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  cursor bigint NOT NULL,
  marks json,
  owner text,
  fence bigint NOT NULL DEFAULT 0,
  leased_until timestamptz,
  -- Holders in a row that went away without saving anything or giving it back: a message may be what ended them.
  abandoned int NOT NULL DEFAULT 0,
  PRIMARY KEY (subscription, feed, epoch, lane)
) WITH (fillfactor = 50);

-- Heartbeat, lease renewal and look around in one: see LaneStore.survey.
CREATE FUNCTION estafet.survey(
  of_subscription text, of_feed text, of_epoch text, starts bigint[], other_epoch_allowed boolean,
  me text, lease_ms bigint, working smallint[], OUT members text[], OUT holders text[]
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  until timestamptz := clock_timestamp() + lease_ms * interval '1 millisecond';
  known int;
BEGIN
  SELECT count(*) INTO known FROM estafet.lane l
    WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch;
  IF known = 0 THEN
    PERFORM pg_advisory_xact_lock(1163084872, hashtext(of_subscription || '/' || of_feed));
    IF NOT other_epoch_allowed AND EXISTS (SELECT FROM estafet.lane l WHERE l.subscription = of_subscription
        AND l.feed = of_feed AND l.epoch <> of_epoch) THEN
      RAISE EXCEPTION USING ERRCODE = 'ESF04', MESSAGE = 'the subscription has progress in another epoch';
    END IF;
    INSERT INTO estafet.lane (subscription, feed, epoch, lane, cursor)
      SELECT of_subscription, of_feed, of_epoch, s.at - 1, s.start
      FROM unnest(starts) WITH ORDINALITY AS s (start, at) ON CONFLICT DO NOTHING;
    SELECT count(*) INTO known FROM estafet.lane l
      WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch;
  END IF;
  IF known <> cardinality(starts) THEN
    RAISE EXCEPTION USING ERRCODE = 'ESF03', MESSAGE = format('the subscription has %s lanes', known);
  END IF;

  INSERT INTO estafet.member AS m (subscription, feed, owner, alive_until) VALUES (of_subscription, of_feed, me, until)
    ON CONFLICT (subscription, feed, owner) DO UPDATE SET alive_until = until;
  DELETE FROM estafet.member m WHERE m.subscription = of_subscription AND m.feed = of_feed
    AND m.alive_until < clock_timestamp() - interval '1 hour';
  -- A lane that is locked just now is being saved; the next survey, a third of a lease later, extends it.
  UPDATE estafet.lane l SET leased_until = until FROM (
    SELECT c.lane FROM estafet.lane c WHERE c.subscription = of_subscription AND c.feed = of_feed
      AND c.epoch = of_epoch AND c.lane = ANY (working) AND c.owner = me AND c.leased_until > clock_timestamp() FOR UPDATE SKIP LOCKED
  ) AS mine
  WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch AND l.lane = mine.lane;

  members := ARRAY(SELECT m.owner FROM estafet.member m WHERE m.subscription = of_subscription AND m.feed = of_feed
    AND m.alive_until > clock_timestamp() ORDER BY m.owner);
  holders := ARRAY(SELECT CASE WHEN l.leased_until > clock_timestamp() THEN l.owner END FROM estafet.lane l
    WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch ORDER BY l.lane);
END
$$;

-- Saves progress or fails the transaction: raising lets the caller send COMMIT without waiting for the answer.
CREATE FUNCTION estafet.save_lane(
  of_subscription text, of_feed text, of_epoch text, of_lane smallint, of_fence bigint, old_cursor bigint,
  new_cursor bigint, new_marks json
) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  UPDATE estafet.lane l SET cursor = new_cursor, marks = new_marks, abandoned = 0
    WHERE l.subscription = of_subscription AND l.feed = of_feed AND l.epoch = of_epoch AND l.lane = of_lane
      AND l.fence = of_fence AND l.cursor = old_cursor;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'ESF02', MESSAGE = 'the lane is held under another fence or has moved on';
  END IF;
END
$$;
