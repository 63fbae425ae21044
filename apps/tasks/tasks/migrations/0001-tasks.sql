CREATE TABLE task (
  id uuid PRIMARY KEY,
  title text NOT NULL,
  description text NOT NULL DEFAULT '',
  creator_id uuid NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'completed')),
  -- Goes up with each change: who changes what somebody else has changed meanwhile is told so.
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX task_by_creator ON task (creator_id);

CREATE TABLE task_worker (
  task_id uuid NOT NULL REFERENCES task ON DELETE CASCADE,
  worker_id uuid NOT NULL,
  PRIMARY KEY (task_id, worker_id)
);
CREATE INDEX task_worker_by_worker ON task_worker (worker_id);

-- The Idempotency-Key of a request and what came of it; no reference, so that it outlives the task.
CREATE TABLE taken_request (
  caller_id uuid NOT NULL,
  key text NOT NULL,
  content_hash text NOT NULL,
  task_id uuid NOT NULL,
  PRIMARY KEY (caller_id, key)
);

-- Accounts that auth deleted: their tokens are good for nothing any more.
CREATE TABLE former_user (user_id uuid PRIMARY KEY);

GRANT SELECT, INSERT, UPDATE, DELETE ON task TO team_tasks;
GRANT SELECT, INSERT, DELETE ON task_worker TO team_tasks;
GRANT SELECT, INSERT ON taken_request, former_user TO team_tasks;
