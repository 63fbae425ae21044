CREATE TABLE document (
  invoice_no text PRIMARY KEY,
  kind text NOT NULL,
  customer_id text,
  country text NOT NULL,
  total numeric(18, 4) NOT NULL,
  body_hash text NOT NULL,
  -- Read model of what the other services reported.
  stock_moved_at timestamptz,
  paid_at timestamptz,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The identity of a line is its invoice and its place there: equal lines are separate lines.
CREATE TABLE document_line (
  invoice_no text NOT NULL REFERENCES document,
  place int NOT NULL,
  stock_code text NOT NULL,
  description text,
  quantity int NOT NULL,
  unit_price numeric(14, 4) NOT NULL,
  invoiced_at timestamptz NOT NULL,
  PRIMARY KEY (invoice_no, place)
);

-- Without a unique constraint on purpose: an effect that happened twice must show.
CREATE TABLE effect (handler text NOT NULL, event_id text NOT NULL);

CREATE VIEW summary AS
  SELECT d.country, count(DISTINCT d.invoice_no)::int AS invoices, count(*)::int AS lines,
    sum(l.quantity * l.unit_price)::numeric(18, 4) AS total
  FROM document d JOIN document_line l USING (invoice_no) GROUP BY d.country;

GRANT SELECT, INSERT, UPDATE ON document TO orders;
GRANT SELECT, INSERT ON document_line, effect TO orders;
GRANT SELECT ON summary TO orders;
