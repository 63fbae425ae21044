import pg from 'pg'
import { type ServiceName, serviceNames } from '../system/services.ts'
import { type Audit, audits } from './audits.ts'
import type { ByCountry } from './figures.ts'

/** Which events each service takes, by the service that publishes them: what must have had an effect there. */
const takes: Readonly<Record<ServiceName, Readonly<Partial<Record<ServiceName, readonly string[]>>>>> = {
  orders: { inventory: ['stock.%'], payments: ['payment.%'] },
  inventory: { orders: ['order.%'] },
  payments: { orders: ['order.%'] },
  notifications: { orders: ['order.%'], payments: ['payment.%'] },
}

/** What became of events in one service. */
export interface EventFigures {
  /** Events of others that it takes, as their logs hold them. */
  readonly expected: number
  /** Effects recorded. */
  readonly applied: number
  /** Effects beyond the first of an event. */
  readonly doubled: number
  /** Events that wait in the queues of parked keys, some of them as dead letters. */
  readonly parked: readonly ParkedEvent[]
  /** Events that have no effect and do not wait for one. */
  readonly lost: number
}

/** An event that a service has not applied and has not lost. */
export interface ParkedEvent {
  readonly id: string
  readonly type: string
  readonly key: string
  readonly state: 'waiting' | 'retrying' | 'dead'
  readonly error: string | null
}

export interface Actual {
  readonly figures: ReadonlyMap<ServiceName, ByCountry>
  readonly events: ReadonlyMap<ServiceName, EventFigures>
  readonly published: ReadonlyMap<ServiceName, number>
  readonly audits: readonly Audit[]
}

/** Audits the databases from outside: tables of the applications, the logs' views, and the queues of parked keys. */
export async function actualFigures(adminUrl: (service: ServiceName) => string): Promise<Actual> {
  const clients = new Map<ServiceName, pg.Client>()
  try {
    for (const name of serviceNames) {
      const client = new pg.Client({ connectionString: adminUrl(name) })
      client.on('error', () => {})
      await client.connect()
      clients.set(name, client)
    }
    const of = async <Value>(ask: (name: ServiceName) => Promise<Value>): Promise<Map<ServiceName, Value>> => {
      const answers = new Map<ServiceName, Value>()
      for (const name of serviceNames) answers.set(name, await ask(name))
      return answers
    }
    return {
      figures: await of((name) => summary(clientOf(clients, name))),
      events: await of((name) => eventFigures(clients, name)),
      published: await of(async (name) => (await published(clientOf(clients, name), ['%'])).length),
      audits: await audits((name) => clientOf(clients, name)),
    }
  } finally {
    await Promise.all([...clients.values()].map((client) => client.end().catch(() => {})))
  }
}

async function summary(client: pg.Client): Promise<ByCountry> {
  const { rows } = await client.query<{ country: string; invoices: number; lines: number; total: string }>(
    'SELECT country, invoices, lines, total::text FROM summary',
  )
  return new Map(rows.map(({ country, invoices, lines, total }) => [country, { invoices, lines, total }]))
}

async function eventFigures(clients: ReadonlyMap<ServiceName, pg.Client>, name: ServiceName): Promise<EventFigures> {
  const { rows } = await clientOf(clients, name).query<{ event_id: string; times: number }>(
    'SELECT event_id, count(*)::int AS times FROM effect GROUP BY event_id',
  )
  const times = new Map(rows.map((row) => [row.event_id, row.times]))
  const expected: string[] = []
  for (const source of serviceNames) {
    const types = takes[name][source]
    if (types !== undefined) expected.push(...(await published(clientOf(clients, source), types)))
  }
  const applied = rows.reduce((sum, row) => sum + row.times, 0)
  const parked = await parkedEvents(clientOf(clients, name))
  const waiting = new Set(parked.map(({ id }) => id))
  return {
    expected: expected.length,
    applied,
    doubled: applied - times.size,
    parked,
    lost: expected.filter((id) => !times.has(id) && !waiting.has(id)).length,
  }
}

async function parkedEvents(client: pg.Client): Promise<readonly ParkedEvent[]> {
  const { rows } = await client.query<ParkedEvent>(
    `SELECT id, type, key, state, error_name AS error FROM estafet.parked_message
     WHERE state IN ('waiting', 'retrying', 'dead') ORDER BY number`,
  )
  return rows
}

async function published(client: pg.Client, types: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>(
    'SELECT id::text FROM estafet.outbox_messages WHERE type LIKE ANY ($1::text[])',
    [types],
  )
  return rows.map(({ id }) => id)
}

function clientOf(clients: ReadonlyMap<ServiceName, pg.Client>, name: ServiceName): pg.Client {
  const client = clients.get(name)
  if (client === undefined) throw new Error(`no connection to ${name}`)
  return client
}
