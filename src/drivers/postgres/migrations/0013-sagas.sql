-- Sagas of this service, and what became of each of their steps: see Sagas. They stay when they have ended, for who asks late.
CREATE TABLE estafet.saga (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 512),
  -- In this order they began, as people look at them.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  type text NOT NULL,
  version int NOT NULL,
  hash text NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'compensating', 'completed', 'compensated')),
  input text NOT NULL,
  result text,
  failure text,
  attention text,
  correlation_id text NOT NULL,
  asked_by text,
  tries int NOT NULL DEFAULT 0,
  error text,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  progressed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- When the saga wants its next turn, whatever its steps say, as after one that failed.
  turn_at timestamptz,
  -- That, or else the first of its open steps' times. NULL: only when somebody answers, or a person acts.
  due_at timestamptz,
  CHECK (status IN ('running', 'compensating') OR due_at IS NULL)
);
CREATE INDEX saga_due ON estafet.saga (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX saga_open ON estafet.saga (number) WHERE status IN ('running', 'compensating');

CREATE TABLE estafet.saga_step (
  saga text NOT NULL REFERENCES estafet.saga (id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  -- In this order they began.
  place int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('run', 'request', 'sleep', 'wait', 'event')),
  state text NOT NULL CHECK (state IN
    ('asking', 'waiting', 'cancelling', 'undoing', 'done', 'refused', 'cancelled', 'undone', 'kept')),
  value text,
  request text,
  has_undo boolean NOT NULL,
  is_pivot boolean NOT NULL,
  tries int NOT NULL,
  note text,
  -- In this order they came to their values.
  rank int,
  begun_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  due_at timestamptz,
  PRIMARY KEY (saga, name),
  CHECK (due_at IS NULL OR state IN ('asking', 'waiting', 'cancelling', 'undoing'))
);

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON estafet.saga, estafet.saga_step TO %I',
    estafet.role_name('subscriber'));
END
$$;
