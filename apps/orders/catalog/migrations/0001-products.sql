CREATE TABLE products (
  id text PRIMARY KEY,
  name text NOT NULL,
  description text,
  -- NULL: not sold any more, and still named by old orders.
  price numeric CHECK (price >= 0),
  owner text NOT NULL CHECK (owner IN ('catalog', 'monolith'))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON products TO orders_catalog;
