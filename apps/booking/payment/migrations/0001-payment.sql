-- Entries are only added: money given back is an entry of its own. Without a unique constraint on purpose: a charge that was
-- entered twice must show.
CREATE TABLE ledger_entry (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  trip_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('charge', 'refund')),
  why text NOT NULL CHECK (why IN ('trip', 'compensation', 'cancellation')),
  amount numeric(12, 2) NOT NULL CHECK (amount >= 0),
  entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((kind = 'charge') = (why = 'trip'))
);
CREATE INDEX ledger_entry_of_trip ON ledger_entry (trip_id);

CREATE VIEW summary AS SELECT kind || ' (' || why || ')' AS state, count(*)::int AS trips FROM ledger_entry GROUP BY kind, why;

GRANT SELECT, INSERT ON ledger_entry TO payment;
GRANT SELECT ON summary TO payment;
