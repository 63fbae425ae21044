-- Entries are only added: a refund is an entry with a negative amount. One entry for each invoice, whoever asks twice.
CREATE TABLE ledger_entry (
  invoice_no text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('charge', 'refund', 'nothing to pay')),
  country text NOT NULL,
  customer_id text,
  lines int NOT NULL,
  amount numeric(18, 4) NOT NULL,
  entered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Without a unique constraint on purpose: an effect that happened twice must show.
CREATE TABLE effect (handler text NOT NULL, event_id text NOT NULL);

CREATE VIEW summary AS
  SELECT country, count(*)::int AS invoices, sum(lines)::int AS lines, sum(amount)::numeric(18, 4) AS total
  FROM ledger_entry GROUP BY country;

GRANT SELECT, INSERT ON ledger_entry, effect TO payments;
GRANT SELECT ON summary TO payments;
