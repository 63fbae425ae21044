import type { Sql } from 'estafet/postgres'

/** Adds rows to the sample, all of them in order: so many orders of three items each, of as many users and products. */
export async function addRows(sql: Sql, n: number): Promise<void> {
  await sql.query(
    `WITH person AS (
      INSERT INTO users (email, password_hash, name) SELECT 'user-' || gen_random_uuid() || '@example.org', 'scrypt$', 'User ' || n
      FROM generate_series(1, $1::int) AS n RETURNING id
    ), product AS (
      INSERT INTO products (name, price, stock_quantity) SELECT 'Product ' || n, 1 + n % 100 + 0.99, n % 50
      FROM generate_series(1, $1::int) AS n RETURNING id, price
    ), numbered_person AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM person),
    numbered_product AS (SELECT id, price, row_number() OVER (ORDER BY id) AS n FROM product),
    bought AS (
      INSERT INTO orders (user_id, total_amount, status, created_at)
      SELECT o.id, p.price * 6, 'confirmed', '2020-01-01'::timestamptz + o.n * interval '7 minutes'
      FROM numbered_person AS o JOIN numbered_product AS p USING (n) ORDER BY o.n RETURNING id
    ), numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM bought)
    INSERT INTO order_items (order_id, product_id, quantity, price)
    SELECT b.id, p.id, q, p.price FROM numbered AS b JOIN numbered_product AS p USING (n), generate_series(1, 3) AS q`,
    [n],
  )
}
