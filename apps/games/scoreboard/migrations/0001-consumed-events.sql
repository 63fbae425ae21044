-- One row for each event that a consumer group has taken. Its key is what makes an effect happen once.
CREATE TABLE consumed_events (
  consumer_group text NOT NULL,
  event_id text NOT NULL,
  event_type text NOT NULL,
  topic text NOT NULL,
  partition int NOT NULL,
  kafka_offset bigint NOT NULL,
  consumed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX consumed_events_by_time ON consumed_events (consumed_at);

-- The read model: which games are over, and how many in each chat.
CREATE TABLE games (
  consumer_group text NOT NULL,
  game_id text NOT NULL,
  chat_id text NOT NULL,
  finished_at timestamptz NOT NULL,
  PRIMARY KEY (consumer_group, game_id)
);
CREATE TABLE chats (
  consumer_group text NOT NULL,
  chat_id text NOT NULL,
  games int NOT NULL,
  PRIMARY KEY (consumer_group, chat_id)
);

GRANT SELECT, INSERT ON consumed_events, games TO scoreboard;
GRANT SELECT, INSERT, UPDATE ON chats TO scoreboard;
