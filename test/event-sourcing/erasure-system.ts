import { randomBytes } from 'node:crypto'
import {
  decider,
  type Erased,
  event,
  type FeedSource,
  isErased,
  type Logger,
  projection,
  type Running,
  type RunningProjections,
  type Sink,
  SubjectErased,
  service,
  start,
  startProjections,
  startRelay,
  streamEvent,
  when,
} from 'estafet'
import {
  migrate,
  on,
  type PostgresStreams,
  postgres,
  postgresLog,
  postgresStreams,
  postgresVault,
  project,
  projections,
  type Sql,
} from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import type { PostgresServer } from '../../engines/postgres/server.ts'

const erasable = <Schema extends z.ZodType>(schema: Schema) => z.union([z.object({ $erased: z.literal(true) }), schema])
const name = erasable(z.string())
/** Somebody to whom something may not be delivered. */
export const undeliverable = 'm-2'

const about = { subject: ({ id }: { readonly id: string }) => id }
const Registered = streamEvent('Registered', {
  version: 1,
  schema: z.object({ id: z.string(), name, contact: z.object({ email: name }), note: z.string() }),
  personal: { ...about, fields: ['name', 'contact.email'] },
})
const Renamed = streamEvent('Renamed', {
  version: 1,
  schema: z.object({ id: z.string(), name }),
  personal: { ...about, fields: ['name'] },
})
export const MemberJoined = event('members.joined', {
  version: 1,
  schema: z.object({ id: z.string(), name, addresses: z.array(z.object({ street: name })), note: z.string() }),
  key: ({ id }) => id,
  personal: { ...about, fields: ['name', 'addresses.street'] },
})
const Greeted = event('mailing.greeted', {
  version: 1,
  schema: z.object({ id: z.string(), name }),
  key: ({ id }) => id,
  personal: { ...about, fields: ['name'] },
})

const Alert = event('mailing.alert', {
  version: 1,
  schema: z.object({ id: z.string(), text: z.string() }),
  key: ({ id }) => id,
})

interface MemberState {
  readonly name: string | Erased | null
  readonly email: string | Erased | null
  readonly changes: number
}
type Command =
  | { readonly kind: 'register'; readonly id: string; readonly name: string; readonly email: string }
  | { readonly kind: 'rename'; readonly id: string; readonly name: string }

export const Member = decider<MemberState, Command>('member', {
  initial: { name: null, email: null, changes: 0 },
  decide: (command) =>
    command.kind === 'register'
      ? Registered({ id: command.id, name: command.name, contact: { email: command.email }, note: 'nothing personal' })
      : Renamed({ id: command.id, name: command.name }),
  evolve: [
    when(Registered, (state: MemberState, data) => ({
      ...{ name: data.name, email: data.contact.email, changes: state.changes + 1 },
    })),
    when(Renamed, (state: MemberState, data) => ({ ...state, name: data.name, changes: state.changes + 1 })),
  ],
  snapshotEvery: 2,
  translate: (events, id, state) =>
    events
      .filter(({ type }) => type === 'Registered')
      .map(() =>
        MemberJoined({
          ...{
            id,
            name: state.name ?? '',
            addresses: [{ street: `${shown(state.name)}-street` }],
            note: 'nothing personal',
          },
        }),
      ),
})

const shown = (value: string | Erased | null): string => (isErased(value) ? '(erased)' : (value ?? ''))

export function members(version: number) {
  return projection<Sql>('members', {
    ...{ version, tables: ['member'], streams: ['member'] },
    setUp: (tx, table) => tx.query(`CREATE TABLE ${table('member')} (id text PRIMARY KEY, name text, email text)`),
    handlers: [
      project(Registered, ({ data }, { tx, table }) =>
        tx.query(`INSERT INTO ${table('member')} VALUES ($1, $2, $3)`, [
          ...[data.id, shown(data.name), shown(data.contact.email)],
        ]),
      ),
      project(Renamed, ({ data }, { tx, table }) =>
        tx.query(`UPDATE ${table('member')} SET name = $2 WHERE id = $1`, [data.id, shown(data.name)]),
      ),
      project(SubjectErased, ({ data }, { tx, table }) =>
        tx.query(`UPDATE ${table('member')} SET name = '(erased)', email = '(erased)' WHERE id = $1`, [data.subject]),
      ),
    ],
  })
}

/** Two services, a broker between them, and read models: everything that a person's name may get into. */
export interface ErasureSystem {
  readonly streams: PostgresStreams
  readonly vault: ReturnType<typeof postgresVault>
  readonly members: pg.Pool
  readonly mailing: pg.Pool
  readonly mail: Running
  readonly people: ReturnType<typeof projections>
  readonly models: RunningProjections
  readonly greeter: { readonly service: ReturnType<typeof service<Sql>>; readonly running: Running }
  /** What was logged. */
  readonly said: readonly string[]
  /** What the handler of the other service got, by member. */
  readonly received: Map<string, unknown>
  /** What it waits for once it has somebody's name, and before it writes it down. */
  readonly before: { greeting: (id: string) => Promise<void>; isBroken: boolean }
  erase(subject: string): Promise<boolean>
  stop(): Promise<void>
}

const reading = {
  ...{ leaseMs: 2_000, lookMs: 20, backOff: { firstMs: 10, maxMs: 100 } },
  pace: { hotMs: 2, busyMs: 5, idleMs: 20 },
}
let systems = 0

export async function erasureSystem(
  server: PostgresServer,
  broker: { readonly sink: Sink; topic(name: string): FeedSource },
): Promise<ErasureSystem> {
  const at = systems++
  const [own, other] = [await made(server, `members_${at}`), await made(server, `mailing_${at}`)]
  await other.query('CREATE TABLE greeting (id text PRIMARY KEY, name text)')
  const said: string[] = []
  const note = (text: string, fields?: object): void => void said.push(`${text} ${JSON.stringify(fields ?? {})}`)
  const logger: Logger = { debug: note, info: note, warn: note, error: note }
  const keys = new pg.Pool({ ...own.options, max: 2 })
  const vault = postgresVault(keys, { secrets: [{ id: '1', key: randomBytes(32) }] })
  const store = postgres(own, { vault })
  const streams = postgresStreams(own, { service: 'members', store, logger, verifyShare: 1 })
  const people = projections(own, { vault })
  const models = await startProjections([members(1)], {
    ...{ ...reading, store, projections: people, logger, events: streams.log },
    sources: [postgresLog(own, { source: 'members' })],
  })
  const relay = await startRelay({
    ...{ ...reading, logger, store, sink: broker.sink, source: postgresLog(own, { source: 'members' }) },
  })
  const received = new Map<string, unknown>()
  const before = { greeting: (_: string): Promise<void> => Promise.resolve(), isBroken: true }
  const greet = on(
    MemberJoined,
    async ({ data }, { tx, publish }) => {
      received.set(data.id, data)
      await before.greeting(data.id)
      if (before.isBroken && data.id === undeliverable && !isErased(data.name))
        throw new TypeError(`no mail for ${shown(data.name)}`)
      await tx.query('INSERT INTO greeting VALUES ($1, $2)', [data.id, shown(data.name)])
      publish(Greeted({ id: data.id, name: data.name }))
    },
    { retry: [{ immediate: 0, delayed: 0 }] },
  )
  const forget = on(SubjectErased, async ({ data }, { tx }) => {
    await tx.query(`DELETE FROM greeting WHERE id = $1`, [data.subject])
  })
  const alerting = service<Sql>('mailing', {
    handlers: [greet, forget],
    onDeadLetter: ({ messageId, error }) => [Alert({ id: messageId, text: `given up: ${error}` })],
  })
  const mail = await start(alerting, {
    ...{ ...reading, logger, store: postgres(other, { vault }) },
    sources: [broker.topic(MemberJoined.topic), broker.topic(SubjectErased.topic)],
  })
  return {
    ...{ streams, vault, members: own, mail, people, models, said, received, before },
    erase: (subject) =>
      store.transaction(async (tx, publish) => {
        const isNew = await vault.erase(tx, subject)
        if (isNew) publish(SubjectErased({ subject }))
        return isNew
      }),
    mailing: other,
    greeter: { service: alerting, running: mail },
    async stop() {
      await Promise.all([models.stop(2_000), relay.stop(), mail.stop()])
      await Promise.all([own.end(), other.end(), keys.end()])
    },
  }
}

async function made(server: PostgresServer, database: string): Promise<pg.Pool> {
  const connectionString = await newDatabase(server.adminUrl, database)
  const pool = new pg.Pool({ connectionString, max: 20 })
  pool.on('error', () => {})
  const owner = await pool.connect()
  await migrate(owner)
  owner.release()
  return pool
}
