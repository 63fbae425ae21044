-- The audit: every level is the sum of its movements. Movements are valued at the invoice's price.
CREATE TABLE movement (
  invoice_no text NOT NULL,
  place int NOT NULL,
  country text NOT NULL,
  stock_code text NOT NULL,
  units int NOT NULL,
  unit_price numeric(14, 4) NOT NULL
);
CREATE INDEX movement_of_stock ON movement (stock_code);

-- The shop writes the same code in both cases; stock is kept under the upper one.
CREATE TABLE stock_level (stock_code text PRIMARY KEY, units bigint NOT NULL) WITH (fillfactor = 70);

-- Without a unique constraint on purpose: an effect that happened twice must show.
CREATE TABLE effect (handler text NOT NULL, event_id text NOT NULL);

CREATE VIEW summary AS
  SELECT country, count(DISTINCT invoice_no)::int AS invoices, count(*)::int AS lines,
    sum(-units * unit_price)::numeric(18, 4) AS total
  FROM movement GROUP BY country;

-- The audit is only ever added to.
GRANT SELECT, INSERT ON movement, effect TO inventory;
GRANT SELECT, INSERT, UPDATE ON stock_level TO inventory;
GRANT SELECT ON summary TO inventory;
