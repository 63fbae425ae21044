-- What is limited, and how much of it is taken: see Reservations.
CREATE TABLE estafet.limited_resource (
  resource text PRIMARY KEY CHECK (length(resource) BETWEEN 1 AND 512),
  taken bigint NOT NULL,
  -- As who was granted something last had it. More is never taken, whatever writes to this table.
  capacity bigint NOT NULL,
  CHECK (taken BETWEEN 0 AND capacity)
);

CREATE TABLE estafet.reservation (
  owner text PRIMARY KEY CHECK (length(owner) BETWEEN 1 AND 512),
  -- In this order they were held.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  held_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- NULL: held.
  confirmed_at timestamptz
);
CREATE INDEX reservation_held ON estafet.reservation (number) WHERE confirmed_at IS NULL;

CREATE TABLE estafet.reserved_quantity (
  owner text NOT NULL REFERENCES estafet.reservation (owner),
  resource text NOT NULL REFERENCES estafet.limited_resource (resource),
  quantity bigint NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (owner, resource)
);
CREATE INDEX reserved_quantity_resource ON estafet.reserved_quantity (resource);

-- See Reservations.reserve. `other`: the owner has something else. Resources are locked in the order of their bytes, by everybody.
CREATE FUNCTION estafet.reserve(
  of_owner text, resources text[], quantities bigint[], capacities bigint[], OUT kind text, OUT lacking json
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  is_confirmed boolean;
BEGIN
  LOOP
    INSERT INTO estafet.reservation (owner) VALUES (of_owner) ON CONFLICT (owner) DO NOTHING;
    EXIT WHEN FOUND;
    SELECT r.confirmed_at IS NOT NULL INTO is_confirmed FROM estafet.reservation r WHERE r.owner = of_owner FOR UPDATE;
    -- Not found: it was released since.
    IF FOUND THEN
      kind := CASE
        WHEN EXISTS (SELECT w.resource, w.quantity FROM unnest(resources, quantities) AS w (resource, quantity)
          EXCEPT SELECT q.resource, q.quantity FROM estafet.reserved_quantity q WHERE q.owner = of_owner)
          OR (SELECT count(*) FROM estafet.reserved_quantity q WHERE q.owner = of_owner) <> cardinality(resources) THEN 'other'
        WHEN is_confirmed THEN 'confirmed'
        ELSE 'held' END;
      RETURN;
    END IF;
  END LOOP;

  INSERT INTO estafet.limited_resource (resource, taken, capacity)
    SELECT w.resource, 0, w.capacity FROM unnest(resources, capacities) AS w (resource, capacity)
    ORDER BY w.resource COLLATE "C" ON CONFLICT (resource) DO NOTHING;
  PERFORM FROM estafet.limited_resource r WHERE r.resource = ANY (resources) ORDER BY r.resource COLLATE "C" FOR UPDATE;

  SELECT json_agg(json_build_object('resource', w.resource, 'quantity', w.quantity, 'left', greatest(0, w.capacity - r.taken))
      ORDER BY w.resource COLLATE "C") INTO lacking
    FROM unnest(resources, quantities, capacities) AS w (resource, quantity, capacity)
    JOIN estafet.limited_resource r ON r.resource = w.resource WHERE r.taken + w.quantity > w.capacity;
  IF lacking IS NOT NULL THEN
    DELETE FROM estafet.reservation r WHERE r.owner = of_owner;
    kind := 'refused';
    RETURN;
  END IF;
  UPDATE estafet.limited_resource r SET taken = r.taken + w.quantity, capacity = w.capacity
    FROM unnest(resources, quantities, capacities) AS w (resource, quantity, capacity) WHERE r.resource = w.resource;
  INSERT INTO estafet.reserved_quantity (owner, resource, quantity)
    SELECT of_owner, w.resource, w.quantity FROM unnest(resources, quantities) AS w (resource, quantity);
  kind := 'held';
END
$$;

-- See Reservations.release. Held or confirmed: it is given back, and told.
CREATE FUNCTION estafet.release_reservation(of_owner text) RETURNS TABLE (resource text, quantity bigint)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
BEGIN
  PERFORM FROM estafet.reservation r WHERE r.owner = of_owner FOR UPDATE;
  PERFORM FROM estafet.limited_resource r JOIN estafet.reserved_quantity q ON q.resource = r.resource
    WHERE q.owner = of_owner ORDER BY r.resource COLLATE "C" FOR UPDATE OF r;
  UPDATE estafet.limited_resource r SET taken = r.taken - q.quantity
    FROM estafet.reserved_quantity q WHERE q.owner = of_owner AND r.resource = q.resource;
  RETURN QUERY WITH gone AS (DELETE FROM estafet.reserved_quantity q WHERE q.owner = of_owner RETURNING q.resource, q.quantity)
    SELECT g.resource, g.quantity FROM gone g ORDER BY g.resource COLLATE "C";
  DELETE FROM estafet.reservation r WHERE r.owner = of_owner;
END
$$;

-- Who is at work on what: see SemanticLocks.
CREATE TABLE estafet.semantic_lock (
  resource text PRIMARY KEY CHECK (length(resource) BETWEEN 1 AND 512),
  owner text NOT NULL CHECK (length(owner) BETWEEN 1 AND 512),
  -- In this order they were taken.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX semantic_lock_owner ON estafet.semantic_lock (owner);

-- See SemanticLocks.take: who has it now. The insert waits for transactions that take or free it, and for nobody else.
CREATE FUNCTION estafet.take_semantic_lock(of_resource text, of_owner text, OUT holder text, OUT since timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  LOOP
    INSERT INTO estafet.semantic_lock AS l (resource, owner) VALUES (of_resource, of_owner)
      ON CONFLICT (resource) DO NOTHING RETURNING l.owner, l.taken_at INTO holder, since;
    EXIT WHEN FOUND;
    -- One's own stays while this transaction counts on it.
    PERFORM FROM estafet.semantic_lock l WHERE l.resource = of_resource AND l.owner = of_owner FOR SHARE;
    SELECT l.owner, l.taken_at INTO holder, since FROM estafet.semantic_lock l WHERE l.resource = of_resource;
    EXIT WHEN FOUND;
  END LOOP;
END
$$;

-- Flows that services make by answering each other's events: see Flows.
CREATE TABLE estafet.flow (
  flow text NOT NULL,
  correlation_id text NOT NULL,
  -- In this order they were seen first.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  -- NULL until what follows from the first event is saved, in the same transaction.
  status text CHECK (status IN ('unbegun', 'waiting', 'ended')),
  begun_at timestamptz,
  last_at timestamptz,
  awaited text NOT NULL DEFAULT '[]',
  due_at timestamptz,
  noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (flow, correlation_id),
  -- What waits has its time: nothing stands still unseen.
  CHECK (status <> 'waiting' OR (due_at IS NOT NULL AND begun_at IS NOT NULL))
);
CREATE INDEX flow_due ON estafet.flow (due_at) WHERE status = 'waiting';
CREATE INDEX flow_over ON estafet.flow (last_at) WHERE status <> 'waiting';

CREATE TABLE estafet.flow_event (
  flow text NOT NULL,
  correlation_id text NOT NULL,
  source text NOT NULL,
  id text NOT NULL,
  type text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (flow, correlation_id, source, id),
  FOREIGN KEY (flow, correlation_id) REFERENCES estafet.flow (flow, correlation_id) ON DELETE CASCADE
);

-- See Flows.note. Statement by statement, so that what is read is newer than the lock that was waited for.
CREATE FUNCTION estafet.note_flow_event(
  of_flow text, of_correlation text, of_source text, of_id text, of_type text, happened_at timestamptz
) RETURNS SETOF estafet.flow_event
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  INSERT INTO estafet.flow AS f (flow, correlation_id) VALUES (of_flow, of_correlation)
    ON CONFLICT (flow, correlation_id) DO UPDATE SET noted_at = clock_timestamp();
  INSERT INTO estafet.flow_event (flow, correlation_id, source, id, type, at)
    VALUES (of_flow, of_correlation, of_source, of_id, of_type, happened_at) ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT e.* FROM estafet.flow_event e WHERE e.flow = of_flow AND e.correlation_id = of_correlation;
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.limited_resource, estafet.reservation, estafet.reserved_quantity,
    estafet.semantic_lock, estafet.flow, estafet.flow_event TO %I', estafet.role_name('subscriber'));
END
$$;
