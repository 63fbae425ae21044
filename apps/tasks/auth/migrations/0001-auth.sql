CREATE TABLE account (
  id uuid PRIMARY KEY,
  -- In lower case: an address is one account, however it is written.
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'member')),
  password_hash text NOT NULL,
  -- Goes up with each change, and travels in the events.
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON account TO team_auth;
