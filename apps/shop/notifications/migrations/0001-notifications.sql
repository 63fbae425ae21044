CREATE TABLE notification (
  event_id text NOT NULL,
  about text NOT NULL,
  invoice_no text NOT NULL,
  country text NOT NULL,
  customer_id text,
  lines int NOT NULL,
  amount numeric(18, 4) NOT NULL
);

-- Without a unique constraint on purpose: an effect that happened twice must show.
CREATE TABLE effect (handler text NOT NULL, event_id text NOT NULL);

CREATE VIEW summary AS
  SELECT country, count(*)::int AS invoices, sum(lines)::int AS lines, sum(amount)::numeric(18, 4) AS total
  FROM notification WHERE about LIKE 'order.%' GROUP BY country;

GRANT SELECT, INSERT ON notification, effect TO notifications;
GRANT SELECT ON summary TO notifications;
