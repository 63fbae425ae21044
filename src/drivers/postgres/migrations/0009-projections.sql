-- Read models of this service: which versions there are, which one serves, what holds them up. How far they are stands in
-- estafet.lane, like that of every subscription.

CREATE TABLE estafet.projection_build (
  projection text NOT NULL,
  version int NOT NULL,
  -- Which try at this version, from 1.
  build int NOT NULL,
  state text NOT NULL CHECK (state IN ('wanted', 'building', 'serving', 'kept')),
  is_inline boolean NOT NULL DEFAULT false,
  -- Plain names; those of this build end in its suffix.
  tables text[] NOT NULL,
  -- Where they are; NULL until they are set up.
  table_schema text,
  lanes smallint NOT NULL,
  -- NULL: all.
  streams text[],
  -- NULL: it reads none of the service's own events.
  events_feed text,
  refused text,
  wanted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  served_at timestamptz,
  PRIMARY KEY (projection, version, build)
);
CREATE UNIQUE INDEX projection_build_serving ON estafet.projection_build (projection) WHERE state = 'serving';

-- Lanes that stand before a message which cannot be handled.
CREATE TABLE estafet.projection_stop (
  projection text NOT NULL,
  version int NOT NULL,
  build int NOT NULL,
  feed text NOT NULL,
  lane smallint NOT NULL,
  position bigint NOT NULL,
  message_id text NOT NULL,
  type text NOT NULL,
  error_name text NOT NULL,
  error_message text NOT NULL,
  tries int NOT NULL DEFAULT 1,
  since timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (projection, version, build, feed, lane),
  FOREIGN KEY (projection, version, build) REFERENCES estafet.projection_build ON DELETE CASCADE
);

-- What a process last told of a feed: for people, and for feeds whose end is not in this database.
CREATE TABLE estafet.projection_progress (
  projection text NOT NULL,
  version int NOT NULL,
  build int NOT NULL,
  feed text NOT NULL,
  epoch text NOT NULL,
  ends bigint[],
  per_second float8,
  told_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (projection, version, build, feed),
  FOREIGN KEY (projection, version, build) REFERENCES estafet.projection_build ON DELETE CASCADE
);

CREATE FUNCTION estafet.projection_suffix(version int, build int) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'v' || version || CASE WHEN build > 1 THEN '_' || build ELSE '' END;

CREATE FUNCTION estafet.projection_subscription(projection text, version int, build int) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN 'projection:' || projection || ':' || estafet.projection_suffix(version, build);

-- Messages in the queues of parked keys up to a position; NULL for all.
CREATE FUNCTION estafet.projection_parked(of estafet.projection_build, up_to bigint) RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT count(*) FROM estafet.parked_message m
  WHERE m.subscription = estafet.projection_subscription(of.projection, of.version, of.build)
    AND m.state IN ('waiting', 'retrying', 'dead') AND (up_to IS NULL OR m.feed = of.events_feed AND m.position <= up_to));

-- Whether its lanes have passed all own events that are committed up to a position. A lane's cursor may stand below it: what
-- counts is that nothing of the lane lies between.
CREATE FUNCTION estafet.projection_folded(of estafet.projection_build, up_to bigint) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  this_epoch constant text := (SELECT e.epoch FROM estafet.event_head AS e);
BEGIN
  IF of.is_inline THEN
    RETURN true;
  END IF;
  RETURN EXISTS (SELECT FROM estafet.lane l WHERE l.subscription =
        estafet.projection_subscription(of.projection, of.version, of.build) AND l.feed = of.events_feed AND l.epoch = this_epoch)
    AND NOT EXISTS (SELECT FROM estafet.lane l WHERE l.subscription =
        estafet.projection_subscription(of.projection, of.version, of.build) AND l.feed = of.events_feed AND l.epoch = this_epoch
      AND l.cursor < up_to AND EXISTS (SELECT FROM estafet.event_messages m
        WHERE m.position > l.cursor AND m.position <= up_to AND m.slot % of.lanes = l.lane
          AND (of.streams IS NULL OR m.topic = ANY (of.streams))));
END
$$;

-- Shows a build's tables under their plain names. A view that is replaced keeps its identity; one with other columns cannot be
-- replaced, so it is made anew with the grants that it had.
CREATE FUNCTION estafet.show_projection(of estafet.projection_build) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  plain text;
  target text;
  shown text;
  known record;
  granted record;
BEGIN
  FOR plain IN SELECT t FROM unnest(of.tables) AS t ORDER BY t LOOP
    target := format('%I.%I', of.table_schema, plain || '_' || estafet.projection_suffix(of.version, of.build));
    shown := format('%I.%I', of.table_schema, plain);
    SELECT c.relkind, c.relacl, c.relowner INTO known
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = of.table_schema AND c.relname = plain;
    IF NOT FOUND THEN
      EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s', shown, target);
    ELSIF known.relkind <> 'v' THEN
      RAISE EXCEPTION USING ERRCODE = 'ESF08', MESSAGE = format('%s is no view', shown);
    ELSE
      BEGIN
        EXECUTE format('CREATE OR REPLACE VIEW %s AS SELECT * FROM %s', shown, target);
      EXCEPTION WHEN invalid_table_definition THEN
        EXECUTE format('DROP VIEW %s', shown);
        EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s', shown, target);
        FOR granted IN SELECT a.privilege_type, a.is_grantable, CASE WHEN a.grantee <> 0 THEN a.grantee::regrole::text ELSE 'PUBLIC' END AS name
          FROM aclexplode(known.relacl) AS a WHERE a.grantee <> known.relowner
        LOOP
          EXECUTE format('GRANT %s ON %s TO %s', granted.privilege_type, shown, granted.name)
            || CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END;
        END LOOP;
      END;
    END IF;
  END LOOP;
END
$$;

-- After its tables were made: see ProjectionBuilds.begin. The caller holds the rows of the projection.
CREATE FUNCTION estafet.begin_projection(of_projection text, of_version int, of_build int) RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen estafet.projection_build;
BEGIN
  UPDATE estafet.projection_build b SET table_schema = current_schema(), refused = NULL,
      state = CASE WHEN EXISTS (SELECT FROM estafet.projection_build o
        WHERE o.projection = of_projection AND o.state = 'serving') THEN 'building' ELSE 'serving' END
    WHERE b.projection = of_projection AND b.version = of_version AND b.build = of_build RETURNING b.* INTO chosen;
  IF chosen.state = 'serving' THEN
    PERFORM estafet.show_projection(chosen);
    UPDATE estafet.projection_build b SET served_at = clock_timestamp()
      WHERE b.projection = of_projection AND b.version = of_version AND b.build = of_build;
  END IF;
END
$$;

-- See ProjectionBuilds.promote.
CREATE FUNCTION estafet.promote_projection(
  of_projection text, of_version int, of_build int, is_forced boolean, of_who text, of_reason text
) RETURNS text
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen estafet.projection_build;
  old estafet.projection_build;
  reached bigint;
  tries int := 0;
BEGIN
  -- Below the time after which the server looks for deadlocks: a reader is never the one that is ended.
  PERFORM set_config('lock_timeout', '500ms', true);
  PERFORM FROM estafet.projection_build b WHERE b.projection = of_projection ORDER BY b.version, b.build FOR UPDATE;
  SELECT * INTO chosen FROM estafet.projection_build b
    WHERE b.projection = of_projection AND b.version = of_version AND b.build = of_build;
  IF chosen.state = 'serving' THEN
    RETURN 'serving';
  END IF;
  -- What was written with the appends is behind for good once it does not serve.
  IF chosen.state IS NULL OR chosen.state = 'wanted' OR chosen.is_inline THEN
    RETURN 'missing';
  END IF;
  SELECT * INTO old FROM estafet.projection_build b WHERE b.projection = of_projection AND b.state = 'serving';
  IF NOT is_forced THEN
    IF EXISTS (SELECT FROM estafet.projection_stop s
        WHERE s.projection = of_projection AND s.version = of_version AND s.build = of_build) THEN
      RETURN 'stopped';
    END IF;
    IF estafet.projection_parked(chosen, NULL) > 0 THEN
      RETURN 'parked';
    END IF;
    IF chosen.events_feed IS NOT NULL THEN
      IF NOT estafet.projection_folded(chosen, (SELECT max(m.position) FROM estafet.event_messages m) - 1000) THEN
        RETURN 'behind';
      END IF;
      -- What the old one has shown must not be missing in the new one: it stands still until that is so.
      SELECT max(l.cursor) INTO reached FROM (
        SELECT h.cursor FROM estafet.lane h
        WHERE h.subscription = estafet.projection_subscription(old.projection, old.version, old.build)
          AND h.feed = old.events_feed AND h.epoch = (SELECT e.epoch FROM estafet.event_head AS e)
        ORDER BY h.lane FOR UPDATE) AS l;
      WHILE NOT estafet.projection_folded(chosen, coalesce(reached, 0)) LOOP
        tries := tries + 1;
        IF tries > 30 THEN
          RETURN 'behind';
        END IF;
        PERFORM pg_sleep(0.01);
      END LOOP;
    END IF;
  END IF;
  UPDATE estafet.projection_build b SET state = 'kept' WHERE b.projection = of_projection AND b.state = 'serving';
  UPDATE estafet.projection_build b SET state = 'serving', served_at = clock_timestamp(), refused = NULL
    WHERE b.projection = of_projection AND b.version = of_version AND b.build = of_build;
  PERFORM estafet.show_projection(chosen);
  INSERT INTO estafet.audit (who, action, subscription, count, reason, details) VALUES (of_who, 'promote',
    estafet.projection_subscription(of_projection, of_version, of_build), 1, of_reason, json_build_object('forced', is_forced,
      'instead_of', estafet.projection_subscription(old.projection, old.version, old.build)));
  RETURN 'done';
END
$$;

-- See ProjectionControl.drop.
CREATE FUNCTION estafet.drop_projection(of_projection text, of_version int, of_build int, of_who text, of_reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen estafet.projection_build;
  subscribed constant text := estafet.projection_subscription(of_projection, of_version, of_build);
  plain text;
BEGIN
  PERFORM set_config('lock_timeout', '2s', true);
  DELETE FROM estafet.projection_build b WHERE b.projection = of_projection AND b.version = of_version
    AND b.build = of_build AND b.state <> 'serving' RETURNING b.* INTO chosen;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  -- First, and all of them: a batch under way ends before, and one after it finds no lane.
  DELETE FROM estafet.lane l WHERE l.subscription = subscribed;
  DELETE FROM estafet.member m WHERE m.subscription = subscribed;
  DELETE FROM estafet.parked_message m WHERE m.subscription = subscribed;
  DELETE FROM estafet.parked_key k WHERE k.subscription = subscribed;
  DELETE FROM estafet.paused_subscription p WHERE p.subscription = subscribed;
  IF chosen.table_schema IS NOT NULL THEN
    FOREACH plain IN ARRAY chosen.tables LOOP
      EXECUTE format('DROP TABLE IF EXISTS %I.%I', chosen.table_schema,
        plain || '_' || estafet.projection_suffix(of_version, of_build));
    END LOOP;
  END IF;
  INSERT INTO estafet.audit (who, action, subscription, count, reason)
    VALUES (of_who, 'drop', subscribed, 1, of_reason);
  RETURN true;
END
$$;

-- See ProjectionControl.rebuild: the number of the new build, or NULL.
CREATE FUNCTION estafet.rebuild_projection(
  of_projection text, of_who text, of_reason text, OUT wanted_version int, OUT wanted_build int
)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM FROM estafet.projection_build b WHERE b.projection = of_projection ORDER BY b.version, b.build FOR UPDATE;
  IF EXISTS (SELECT FROM estafet.projection_build b WHERE b.projection = of_projection AND b.state IN ('wanted', 'building')) THEN
    RETURN;
  END IF;
  INSERT INTO estafet.projection_build AS n (projection, version, build, state, tables, lanes, streams, events_feed)
    SELECT s.projection, s.version, (SELECT max(o.build) + 1 FROM estafet.projection_build o
        WHERE o.projection = s.projection AND o.version = s.version), 'wanted', s.tables, s.lanes, s.streams, s.events_feed
    FROM estafet.projection_build s WHERE s.projection = of_projection AND s.state = 'serving' AND NOT s.is_inline
    RETURNING n.version, n.build INTO wanted_version, wanted_build;
  IF wanted_build IS NOT NULL THEN
    INSERT INTO estafet.audit (who, action, subscription, count, reason) VALUES (of_who, 'rebuild',
      estafet.projection_subscription(of_projection, wanted_version, wanted_build), 1, of_reason);
  END IF;
END
$$;

-- Before a version is filled whose rows are written with the appends: see InlineBuilds.install. Holds the log's lock alone, so
-- no append is under way, and none begins, until the transaction has ended.
CREATE FUNCTION estafet.install_projection(
  of_projection text, of_version int, OUT serving int, OUT is_other boolean, OUT head bigint
)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1163084872, 0);
  serving := (SELECT b.version FROM estafet.projection_build b WHERE b.projection = of_projection AND b.state = 'serving');
  is_other := EXISTS (SELECT FROM estafet.projection_build b
    WHERE b.projection = of_projection AND b.version = of_version AND NOT (b.is_inline AND b.state = 'serving'));
  head := (SELECT coalesce(max(m.position), 0) FROM estafet.event_messages m);
END
$$;

CREATE FUNCTION estafet.installed_projection(of_projection text, of_version int, of_tables text[], of_streams text[])
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  chosen estafet.projection_build;
BEGIN
  UPDATE estafet.projection_build b SET state = 'kept' WHERE b.projection = of_projection AND b.state = 'serving';
  INSERT INTO estafet.projection_build AS b
      (projection, version, build, state, is_inline, tables, table_schema, lanes, streams, served_at)
    VALUES (of_projection, of_version, 1, 'serving', true, of_tables, current_schema(), 1, of_streams, clock_timestamp())
    RETURNING b.* INTO chosen;
  PERFORM estafet.show_projection(chosen);
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.projection_build, estafet.projection_stop,
    estafet.projection_progress TO %I', estafet.role_name('subscriber'));
END
$$;
