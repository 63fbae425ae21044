import type { Workbench } from './workload.ts'

/** The floor where pgbench is missing: a bare `pg` client writing the same rows, in one flush. */
export async function bareFloor(bench: Workbench, clients: number, ms: number): Promise<number> {
  const until = performance.now() + ms
  let done = 0
  const client = async (number: number): Promise<void> => {
    const connection = await bench.producer.connect()
    for (let at = 0; performance.now() < until; at++) {
      const id = `floor-${number}-${until}-${at}`
      const account = Math.floor(Math.random() * 1000)
      const payload = JSON.stringify({ orderId: id, account, amount: '12.5', note: 'x'.repeat(90) })
      const order = {
        name: 'o',
        text: 'INSERT INTO orders (id, account, amount) VALUES ($1, $2, 12.5)',
        values: [id, account],
      }
      const text = `INSERT INTO floor_event (type, key, payload) VALUES ('order.placed', $1, $2)`
      const note = { name: 'e', text, values: [`account-${account}`, payload] }
      await Promise.all([
        connection.query('BEGIN'),
        connection.query(order),
        connection.query(note),
        connection.query('COMMIT'),
      ])
      done += 1
    }
    connection.release()
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return done / (ms / 1000)
}
