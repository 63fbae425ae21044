import { createHash } from 'node:crypto'

/** One numbered piece of SQL. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly checksum: string
}

/**
 * The migrations of this version, in order. Texts and no files: a service with a SQLite store is often bundled into one.
 * One that was released is never edited; the next one is written.
 */
export function migrations(): readonly Migration[] {
  return texts.map(({ name, text }, at) => ({
    ...{ number: at + 1, name, text },
    checksum: createHash('sha256').update(text).digest('hex'),
  }))
}

const lanes = `-- How far each subscription of this service got, and which process works on what. Columns ..._ms are ms since 1970.
CREATE TABLE estafet_member (
  subscription TEXT NOT NULL,
  feed TEXT NOT NULL,
  owner TEXT NOT NULL,
  alive_until_ms INTEGER NOT NULL,
  PRIMARY KEY (subscription, feed, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE estafet_lane (
  subscription TEXT NOT NULL,
  feed TEXT NOT NULL,
  epoch TEXT NOT NULL,
  lane INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  -- JSON: the last position taken, by chain. NULL: none.
  marks TEXT,
  owner TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  leased_until_ms INTEGER,
  -- Holders in a row that went away without saving anything or giving it back: a message may be what ended them.
  abandoned INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (subscription, feed, epoch, lane)
) STRICT, WITHOUT ROWID;
`

const parking = `-- What could not be handled: parked keys, the messages in their queues, and every attempt.

-- A key that waits. retrying: its first message is tried at next_at_ms. dead: it waits for a person.
CREATE TABLE estafet_parked_key (
  subscription TEXT NOT NULL,
  feed TEXT NOT NULL,
  key TEXT NOT NULL,
  lane INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('retrying', 'dead')),
  -- Number of the queue's first message.
  head INTEGER NOT NULL,
  -- Another with each attempt, its failure and each new first message; a commit under an older one is refused.
  fence INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  next_at_ms INTEGER NOT NULL,
  parked_at TEXT NOT NULL,
  PRIMARY KEY (subscription, feed, key)
) STRICT;
CREATE INDEX estafet_parked_key_due ON estafet_parked_key (subscription, feed, next_at_ms) WHERE state = 'retrying';

-- One sequence for all keys: a key that comes free and is parked again never has an old fence.
CREATE TABLE estafet_attempt_fence (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;
INSERT INTO estafet_attempt_fence (one, last) VALUES (1, 0);

-- waiting: behind the first of its key. retrying, dead: was tried and failed. applied: over.
-- AUTOINCREMENT: a number is never used twice.
CREATE TABLE estafet_parked_message (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  subscription TEXT NOT NULL,
  feed TEXT NOT NULL,
  lane INTEGER NOT NULL,
  key TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'retrying', 'dead', 'applied')),
  -- 0 for a dead letter whose key went on without it.
  is_blocking INTEGER NOT NULL DEFAULT 1 CHECK (is_blocking IN (0, 1)),
  parked_at TEXT NOT NULL,
  ended_at TEXT,
  source TEXT NOT NULL,
  epoch TEXT NOT NULL,
  position INTEGER NOT NULL,
  recorded_at TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  version INTEGER NOT NULL,
  topic TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  causation_id TEXT,
  traceparent TEXT,
  headers TEXT,
  -- Bytes: poison may be no text.
  payload BLOB NOT NULL,
  -- Of all attempts; the key's row counts those since it was last parked.
  attempts INTEGER NOT NULL DEFAULT 0,
  handler TEXT,
  error_name TEXT,
  error_message TEXT,
  fingerprint TEXT,
  failed_at TEXT,
  first_failed_at TEXT
) STRICT;
CREATE INDEX estafet_parked_message_queue ON estafet_parked_message (subscription, feed, key, number)
  WHERE state IN ('waiting', 'retrying', 'dead');
-- A message is in its queue once, also when history is replayed.
CREATE UNIQUE INDEX estafet_parked_message_once ON estafet_parked_message (subscription, feed, source, epoch, position)
  WHERE state IN ('waiting', 'retrying', 'dead');

CREATE TABLE estafet_attempt (
  message INTEGER NOT NULL REFERENCES estafet_parked_message ON DELETE CASCADE,
  number INTEGER NOT NULL,
  at TEXT NOT NULL,
  ended_at TEXT,
  owner TEXT NOT NULL,
  service_version TEXT NOT NULL,
  -- started: under way, or its process died. crashed: its process died, as the next attempt found.
  outcome TEXT NOT NULL CHECK (outcome IN ('started', 'failed', 'applied', 'crashed')),
  handler TEXT,
  error_name TEXT,
  error_message TEXT,
  stack TEXT,
  PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- A subscription that a person paused.
CREATE TABLE estafet_paused_subscription (
  subscription TEXT PRIMARY KEY,
  paused_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  paused_by TEXT NOT NULL,
  reason TEXT
) STRICT;
`

const inbox = `-- Messages of senders without a chain: SHA-256 of what they are called, so that one that is sent again is known;
-- and where each was taken, so that one that comes again from there is known, too.
CREATE TABLE estafet_inbox (
  subscription TEXT NOT NULL,
  digest BLOB NOT NULL,
  place TEXT NOT NULL,
  taken_at_ms INTEGER NOT NULL,
  PRIMARY KEY (subscription, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX estafet_inbox_age ON estafet_inbox (subscription, taken_at_ms);
`

const texts: readonly { readonly name: string; readonly text: string }[] = [
  { name: '0001-lanes', text: lanes },
  { name: '0002-parking', text: parking },
  { name: '0003-inbox', text: inbox },
]
