-- What is known of the accounts, from the events of auth. A deleted one stays, so that an older event does not revive it.
CREATE TABLE known_user (
  id uuid PRIMARY KEY,
  email text,
  role text CHECK (role IN ('admin', 'member')),
  version int NOT NULL,
  is_deleted boolean NOT NULL DEFAULT false
);

CREATE TABLE notification (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  event_id text NOT NULL,
  recipient_id uuid NOT NULL,
  kind text NOT NULL,
  task_id uuid NOT NULL,
  text text NOT NULL,
  correlation_id text NOT NULL,
  traceparent text,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),
  -- Counted before each attempt, so that one in which the process ended counts, too.
  attempts int NOT NULL DEFAULT 0,
  try_after timestamptz NOT NULL DEFAULT clock_timestamp(),
  last_error text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  -- What makes a duplicate event make no second notification, whoever sent it and however often.
  UNIQUE (event_id, recipient_id)
);
CREATE INDEX notification_pending ON notification (try_after) WHERE status = 'pending';
CREATE INDEX notification_by_recipient ON notification (recipient_id, created_at, id);

GRANT SELECT, INSERT, UPDATE ON known_user, notification TO team_notifications;
