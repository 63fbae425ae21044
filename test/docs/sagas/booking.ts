import { service, start } from 'estafet'
import { postgres, postgresLog, type Sql, sagas } from 'estafet/postgres'
import pg from 'pg'
import { Trip } from './trip.ts'

const [pool, hotel, payment] = [new pg.Pool(), new pg.Pool(), new pg.Pool()]
for (const each of [pool, hotel, payment]) each.on('error', (error) => console.warn(error.name))
const store = postgres(pool)
export const trips = sagas(pool, { service: 'booking', of: [Trip], store })

// What comes back is a message like any other.
export const running = await start(service<Sql>('booking', { handlers: [...trips.handlers] }), {
  store,
  sources: [postgresLog(hotel, { source: 'hotel' }), postgresLog(payment, { source: 'payment' })],
})
// Times that come, and turns that failed.
export const timers = await trips.start()

export async function book(id: string, guest: string): Promise<string> {
  await store.transaction((tx, publish) => trips.begin({ tx, publish }, Trip, id, { guest, price: '99.50' }))
  const end = await trips.ended(Trip, id, { timeoutMs: 20_000 })
  return end.status === 'completed' ? `room ${end.result.room}` : `nothing: ${end.failure}`
}
