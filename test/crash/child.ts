// One process of the crash tests: a publisher, a subscriber or a relay that kills itself at a named step.
import { event, service, start, startRelay } from 'estafet'
import { on, postgres, postgresLog, postgresSink, postgresTopic, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { dyingAt, type Fail, stepping } from './steps.ts'

export interface ChildOptions {
  readonly role: 'publish' | 'subscribe' | 'subscribe-topic' | 'relay'
  readonly source: string
  readonly subscriber: string
  readonly fail: Fail
  readonly operations: number
}

const options: ChildOptions = JSON.parse(process.env['CRASH_CHILD'] ?? '{}')
const reach = dyingAt(options.fail)

const Done = event('work.done', {
  version: 1,
  schema: z.object({ operation: z.number(), key: z.string() }),
  key: ({ key }) => key,
})
const Noted = event('work.noted', {
  version: 1,
  schema: z.object({ operation: z.number() }),
  key: () => 'note',
  topic: 'note',
})

function connect(url: string): pg.Pool {
  const config: pg.PoolConfig & { pipeline: boolean } = { connectionString: url, max: 12, pipeline: true }
  const pool = new pg.Pool(config)
  pool.on('error', () => {})
  return pool
}

const source = connect(options.source)
const subscriber = connect(options.subscriber)
const patience = { idleInTransactionMs: 600 }
const reading = { leaseMs: 600, pace: { hotMs: 2, busyMs: 5, idleMs: 20 }, backOff: { firstMs: 10, maxMs: 200 } }

async function publishAll(): Promise<void> {
  const store = stepping(postgres(source, patience), reach)
  const { rows } = await source.query<{ next: number }>(
    'SELECT coalesce(max(operation), -1)::int + 1 AS next FROM done',
  )
  for (let operation = rows[0]?.next ?? 0; operation < options.operations; operation++) {
    await store.unitOfWork.run(async (tx) => {
      await tx.query('INSERT INTO done (operation) VALUES ($1)', [operation])
      reach('after business write')
      await (await store.prepare([Done({ operation, key: `key-${operation % 5}` })]))(tx)
    })
  }
  process.exit(0)
}

const handler = on(Done, async ({ data }, { tx, publish }) => {
  await tx.query('INSERT INTO effect (operation) VALUES ($1)', [data.operation])
  reach('in handler')
  publish(Noted({ operation: data.operation }))
})

const subscription = service<Sql>('crash', { lanes: 2, batchSize: 7, handlers: [handler] })

switch (options.role) {
  case 'publish':
    await publishAll()
    break
  case 'subscribe':
    await start(subscription, {
      ...{ ...reading, store: stepping(postgres(subscriber, patience), reach) },
      sources: [postgresLog(source, { source: 'source' })],
    })
    break
  case 'subscribe-topic':
    await start(subscription, {
      ...{ ...reading, store: stepping(postgres(subscriber, patience), reach) },
      sources: [postgresTopic(subscriber, Done.topic)],
    })
    break
  case 'relay': {
    const sink = postgresSink(subscriber, { name: 'crash' })
    await startRelay({
      ...{
        ...reading,
        batchSize: 7,
        source: postgresLog(source, { source: 'source' }),
        store: stepping(postgres(source, patience), reach),
      },
      sink: {
        ...sink,
        async send(messages) {
          reach('before send')
          await sink.send(messages)
          reach('after send')
        },
      },
    })
  }
}
