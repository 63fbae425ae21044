CREATE TABLE users (
  id text PRIMARY KEY,
  email text NOT NULL,
  -- An address is one account, however it is written. Looked at when a transaction ends: two people may swap theirs.
  email_key text GENERATED ALWAYS AS (lower(email)) STORED,
  password_hash text,
  name text,
  address text,
  -- Who changed it last: what was changed here is not overwritten from where it came.
  owner text NOT NULL CHECK (owner IN ('users', 'monolith')),
  CONSTRAINT users_email_once UNIQUE (email_key) DEFERRABLE INITIALLY DEFERRED
);
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO orders_users;
