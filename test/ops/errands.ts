import { setTimeout as sleep } from 'node:timers/promises'
import { command, compensate, type RunningSagas, rejected } from 'estafet'
import { type Sql, saga, sagas } from 'estafet/postgres'
import * as z from 'zod'
import { type ParkedWorld, subscription } from './parked-world.ts'
import { silent } from './served.ts'

/** Nobody answers it but a person. */
export const Fetch = command('courier.fetch', {
  ...{ version: 1, to: 'courier', refusals: ['nobody-home'] },
  schema: z.object({ who: z.string() }),
  reply: z.object({ parcel: z.int() }),
})

const hourMs = 3_600_000

export interface Errands {
  readonly begin: (who: string) => Promise<void>
  /** Errands whose last work fails. */
  readonly failing: Set<string>
  /** What the local work of an errand did, in order. */
  readonly did: (who: string) => Promise<readonly string[]>
  /** How often somebody was asked to fetch, or to take that back. */
  readonly asked: (who: string) => Promise<readonly string[]>
  readonly until: (what: string, isSo: () => Promise<boolean>) => Promise<void>
  readonly stop: () => Promise<void>
}

/** Sagas of a service, run by it: each waits for a courier, rests, and does the last of its work. */
export async function errands(world: ParkedWorld): Promise<Errands> {
  await world.pool.query('CREATE TABLE errand (number bigserial PRIMARY KEY, who text NOT NULL, did text NOT NULL)')
  const failing = new Set<string>()
  const note = async (tx: Sql, who: string, did: string): Promise<void> =>
    void (await tx.query('INSERT INTO errand (who, did) VALUES ($1, $2)', [who, did]))
  const Errand = saga('errand', {
    ...{ version: 1, input: z.object({ who: z.string() }), uses: [Fetch] },
    ...{ backOff: { firstMs: 20, maxMs: 40 }, attentionAfter: 2 },
    async run(steps, { who }) {
      await steps.run('begin', ({ tx }) => note(tx, who, 'begun'), {
        undo: (_, { tx }) => note(tx, who, 'taken back'),
      })
      const got = await steps.request('fetch', Fetch, { who }, { timeoutMs: hourMs })
      if (got.outcome !== 'done') return compensate(got.outcome === 'refused' ? got.refusal : 'not fetched')
      await steps.sleep('rest', hourMs)
      await steps.run('hand over', async ({ tx }) => {
        await note(tx, who, 'handed over')
        if (failing.has(who)) throw rejected('the door is shut')
        return 'by us'
      })
      return { parcel: got.result.parcel }
    },
  })
  const own = sagas(world.pool, { service: subscription, of: [Errand], store: world.store, logger: silent })
  const running: RunningSagas = await own.start({ lookMs: 20, backOff: { firstMs: 10, maxMs: 50 } })
  const texts = async (by: Pick<Sql, 'query'>, text: string, who: string): Promise<readonly string[]> =>
    (await by.query<{ it: string }>(text, [who])).rows.map(({ it }) => it)
  return {
    failing,
    begin: async (who) =>
      void (await world.store.transaction((tx, publish) => own.begin({ tx, publish }, Errand, who, { who }))),
    did: (who) => texts(world.pool, 'SELECT did AS it FROM errand WHERE who = $1 ORDER BY number', who),
    asked: (who) =>
      texts(
        world.owner,
        `SELECT type AS it FROM estafet.outbox WHERE key IN ($1, $1 || ' cancel') ORDER BY position`,
        who,
      ),
    async until(what, isSo) {
      const deadline = performance.now() + 30_000
      while (!(await isSo())) {
        if (performance.now() > deadline) throw new Error(`It never came true: ${what}.`)
        await sleep(10)
      }
    },
    stop: () => running.stop(2_000),
  }
}
