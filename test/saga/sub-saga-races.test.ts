import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import {
  answerWith,
  command,
  type Handler,
  type HandlerContext,
  type OutgoingMessage,
  type StoredMessage,
  saga,
} from 'estafet'
import { migrate, type PostgresStore, postgres, type Sql } from 'estafet/postgres'
import pg from 'pg'
import * as z from 'zod'
import { newDatabase } from '../../engines/postgres/provision.ts'
import { type PostgresServer, temporaryPostgres } from '../../engines/postgres/server.ts'
import { postgresSagas } from '../../src/drivers/postgres/sagas.ts'
import { postgresStepFence } from '../../src/drivers/postgres/step-fence.ts'
import { prepare } from '../../src/outbox/prepare.ts'
import type { StepFence } from '../../src/ports/step-fence.ts'
import { macrotask, systemClock, systemRandom } from '../../src/runtime/world.ts'
import { definitionsOf } from '../../src/saga/definitions.ts'
import { silent } from './trip-system.ts'

const schema = z.object({ order: z.string() })
const Pack = command('shop.pack', { version: 1, to: 'shop', schema, reply: schema })
const Deliver = command('shop.deliver', { version: 1, to: 'shop', schema, reply: schema })
const Inform = command('shop.inform', { version: 1, to: 'shop', schema, reply: schema })

const Delivery = saga<Sql, typeof schema, { order: string }>('delivery', {
  ...{ version: 1, input: schema, uses: [Pack] },
  async run(steps, data) {
    await steps.request('pack', Pack, data)
    return data
  },
})
/** Is at its end with its first turn. */
const Informing = saga<Sql, typeof schema, { order: string }>('informing', {
  ...{ version: 1, input: schema },
  run: (steps, data) => steps.run('inform', async () => data),
})

const definitions = definitionsOf<Sql>([Delivery, Informing])
const answered = new Map([Deliver, Inform].map((each) => [each.type, each]))
const parts = { sagas: postgresSagas(), service: 'shop', definitions, answered, settle: macrotask }
const asked = { step: 'saga:desk:s-1:deliver', owner: 's-1', replyTo: 'desk', data: { order: 'o-1' } }

describe('of two messages about one step of a saga that comes second while the first is handled', () => {
  let server: PostgresServer
  let pool: pg.Pool
  let store: PostgresStore
  before(async () => {
    server = await temporaryPostgres({ settings: { fsync: 'off' } })
    pool = new pg.Pool({ connectionString: await newDatabase(server.adminUrl, 'races') })
    pool.on('error', () => {})
    const owner = await pool.connect()
    await migrate(owner)
    owner.release()
    store = postgres(pool)
  })
  after(async () => {
    await pool?.end()
    await server?.stop()
  })
  beforeEach(() => pool.query('TRUNCATE estafet.saga, estafet.saga_step, estafet.step'))

  /** Handles the second from when the first has done its work until it has committed; returns what each says. */
  async function both(
    answers: typeof delivered,
    first: OutgoingMessage,
    second: OutgoingMessage,
  ): Promise<readonly (readonly OutgoingMessage[])[]> {
    const isTaken = Promise.withResolvers<void>()
    const own = postgresStepFence()
    const fence: StepFence<Sql> = {
      ...own,
      take(tx, step) {
        // It is sent, and waits: the first has the step.
        const taken = own.take(tx, step)
        isTaken.resolve()
        return taken
      },
    }
    let after: Promise<readonly OutgoingMessage[]> = Promise.resolve([])
    const before = await handled(answers.handlers(parts, own), first, async () => {
      after = handled(answers.handlers(parts, fence), second)
      await Promise.race([isTaken.promise, after])
    })
    return [before, await after]
  }

  async function handled(
    handlers: readonly Handler<Sql>[],
    message: OutgoingMessage,
    beforeCommit: () => Promise<void> = async () => {},
  ): Promise<readonly OutgoingMessage[]> {
    const said: OutgoingMessage[] = []
    const context = { log: silent, signal: new AbortController().signal }
    await store.unitOfWork.run(async (tx) => {
      const own: HandlerContext<Sql> = { ...context, tx, publish: (...all) => void said.push(...all) }
      await handlers.find(({ type }) => type === message.type)?.run([stored(message)], own)
      await beforeCommit()
    })
    return said
  }

  const delivered = answerWith(Deliver, Delivery, (data) => data)
  const informed = answerWith(Inform, Informing, (data) => data)
  const statuses = async (): Promise<readonly string[]> =>
    (await pool.query<{ status: string }>('SELECT status FROM estafet.saga')).rows.map(({ status }) => status)

  test('what takes it back finds the saga that has begun meanwhile, and does not say that there is none', async () => {
    const [first, second] = await both(delivered, Deliver.request(asked), Deliver.cancel(asked))
    assert.deepEqual(
      first?.map(({ type }) => type),
      ['shop.pack'],
    )
    assert.deepEqual(second, [], 'it is cancelled when its steps are')
    assert.deepEqual(await statuses(), ['compensating'])
  })

  test('what asks for it comes to what took it back meanwhile', async () => {
    const all = await both(delivered, Deliver.cancel(asked), Deliver.request(asked))
    assert.deepEqual(all.map(outcomesOf), [['cancel cancelled'], ['request cancelled']])
    assert.deepEqual(await statuses(), [])
  })

  test('what asks for it again is told how it ended meanwhile', async () => {
    const all = await both(informed, Inform.request(asked), Inform.request(asked))
    assert.deepEqual(all.map(outcomesOf), [['request done'], ['request done']])
    assert.deepEqual(await statuses(), ['completed'])
  })
})

function outcomesOf(said: readonly OutgoingMessage[]): readonly string[] {
  return said.map(({ data }) => {
    const { answers, answer } = data as { answers: string; answer: { outcome: string } }
    return `${answers} ${answer.outcome}`
  })
}

function stored(message: OutgoingMessage): StoredMessage {
  const [encoded] = prepare([message], { clock: systemClock, random: systemRandom })
  if (encoded === undefined) throw new Error('A message was not encoded.')
  return { ...encoded, source: 'desk', epoch: 'e', position: 1n, time: new Date(systemClock.now()).toISOString() }
}
