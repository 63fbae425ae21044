CREATE TABLE stock (
  product_id text PRIMARY KEY,
  level int NOT NULL CHECK (level >= 0)
);
-- The audit: the movements of a product add up to its level.
CREATE TABLE stock_movement (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id text NOT NULL,
  quantity int NOT NULL,
  reason text NOT NULL CHECK (reason IN ('opening', 'correction', 'withdrawn')),
  -- Of what it follows from.
  message_id uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL
);
CREATE INDEX stock_movement_by_product ON stock_movement (product_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON stock TO orders_inventory;
GRANT SELECT, INSERT ON stock_movement TO orders_inventory;
