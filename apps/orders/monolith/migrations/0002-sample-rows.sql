-- Rows as they are found: most are in order, and the others are what a move is made difficult by.
INSERT INTO users (id, email, password_hash, name, address) VALUES
  (1, 'ada@example.org', 'scrypt$32768$8$3$c2FsdA$aGFzaA', 'Ada Lovelace', '12 St James''s Square, London'),
  (2, 'grace@example.org', 'scrypt$32768$8$3$c2FsdA$aGFzaC', 'Grace Hopper', NULL),
  (3, 'søren@example.dk', 'scrypt$32768$8$3$c2FsdA$aGFzaD', 'Søren Kierkegård 🪑', E'Nytorv 2\nKøbenhavn'),
  (4, 'Ada@Example.org', 'scrypt$32768$8$3$c2FsdA$aGFzaE', 'Ada L.', NULL),         -- an address twice, but for case
  (5, NULL, NULL, 'Guest of 2014', NULL),                                          -- no address at all
  (6, 'linus@example.fi', NULL, NULL, ''),                                         -- no password, no name, an empty address
  (7, '山田@example.jp', 'scrypt$32768$8$3$c2FsdA$aGFzaF', '山田太郎', '東京都');

INSERT INTO products (id, name, description, price, stock_quantity) VALUES
  (1, 'Lamp', 'Brass', 50.00, 7),
  (2, 'Chair', NULL, 30.00, 0),
  (3, 'Postcard', 'A6', 0.10, 100000),
  (4, 'Gramophone', 'Not sold any more', NULL, 0),
  (5, 'Tea – “Earl Grey” ☕', '', 12.99, 40),
  (6, 'Bicycle', 'Oversold in 2019', 899.00, -2),                                  -- less than none
  (7, 'Umbrella', NULL, 19.95, NULL),                                              -- nobody has counted
  (8, NULL, 'Left by a test', 1.00, 1);                                            -- no name

INSERT INTO orders (id, user_id, total_amount, status, created_at) VALUES
  (1, 1, 130.00, 'confirmed', '2019-03-01 10:00:00.123456+00'),
  (2, 2, 0.30, 'confirmed', '2019-03-01 23:59:59.999999+00'),                      -- 3 x 0.10
  (3, 3, 25.98, 'created', '2019-03-02 08:30:00+02'),
  (4, 1, NULL, 'created', '2019-03-03 00:00:00+00'),                               -- not added up yet: 30.00
  (5, 2, 0.00, 'created', '2019-03-04 00:00:00+00'),                               -- no items yet
  (6, NULL, 50.00, 'confirmed', '2019-03-05 00:00:00+00'),                         -- by nobody
  (7, 1, 99.99, 'confirmed', '2019-03-06 00:00:00+00'),                            -- its items are 100.00
  (8, 2, 0.00, 'confirmed', '2019-03-07 00:00:00+00'),                             -- confirmed, and without items
  (9, 3, 10.00, 'refunded', '2019-03-08 00:00:00+00'),                             -- a status that nobody knows here
  (10, 4, 12.99, 'confirmed', '2019-03-09 00:00:00+00'),                           -- by somebody who cannot be moved
  (11, 1, 5.00, 'confirmed', '2019-03-10 00:00:00+00'),                            -- of a product that was deleted
  (12, 1, 30.00, 'confirmed', NULL),                                               -- nobody knows when
  (13, 1, 30.00, 'confirmed', '2019-03-11 00:00:00+00'),                           -- a negative quantity
  (14, 7, 1798.00, 'confirmed', '2019-03-12 00:00:00+00');

INSERT INTO order_items (id, order_id, product_id, quantity, price) VALUES
  (1, 1, 1, 2, 50.00), (2, 1, 2, 1, 30.00),
  (3, 2, 3, 1, 0.10), (4, 2, 3, 1, 0.10), (5, 2, 3, 1, 0.10),
  (6, 3, 5, 2, 12.99),
  (7, 4, 2, 1, 30.00),
  (8, 6, 1, 1, 50.00),
  (9, 7, 1, 2, 50.00),
  (10, 9, 3, 100, 0.10),
  (11, 10, 5, 1, 12.99),
  (12, 11, 77, 1, 5.00),
  (13, 12, 2, 1, 30.00),
  (14, 13, 2, 2, 30.00), (15, 13, 2, -1, 30.00),
  (16, 14, 6, 2, 899.00);

SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users;
SELECT setval(pg_get_serial_sequence('products', 'id'), max(id)) FROM products;
SELECT setval(pg_get_serial_sequence('orders', 'id'), max(id)) FROM orders;
SELECT setval(pg_get_serial_sequence('order_items', 'id'), max(id)) FROM order_items;
