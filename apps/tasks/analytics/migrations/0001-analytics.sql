-- One row for each event of a task; the id is what makes an event count once, whoever tells of it and however often.
CREATE TABLE task_events (
  id TEXT PRIMARY KEY,
  event_type TEXT NOT NULL,
  task_id TEXT NOT NULL,
  task_text TEXT NOT NULL,
  task_owner_id TEXT NOT NULL,
  stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT;
CREATE INDEX task_events_by_task ON task_events (task_id);

-- What stood in the topic and is no such event: where, and why; nothing of its content.
CREATE TABLE skipped_messages (
  -- Of the topic, which is another one when its broker was made anew.
  epoch TEXT NOT NULL,
  partition INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  reason TEXT NOT NULL,
  details TEXT NOT NULL,
  at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  PRIMARY KEY (epoch, partition, offset)
) STRICT;

-- How far each partition was taken, written with what was taken: its lag follows from it.
CREATE TABLE reached (
  epoch TEXT NOT NULL,
  partition INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  PRIMARY KEY (epoch, partition)
) STRICT;
