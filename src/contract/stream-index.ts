import type { EventStore, RecordedEvent, StreamAppend } from '../ports/event-store.ts'
import type { StreamIndex } from '../ports/stream-index.ts'
import { type Clause, same } from './clause.ts'
import type { OpenTransaction } from './log.ts'
import { sample } from './message.ts'

/** What a driver's test gives to these clauses: an empty event store and the index of its streams. */
export interface StreamIndexDriver<Tx> {
  readonly events: EventStore<Tx>
  readonly index: StreamIndex
  begin(): Promise<OpenTransaction<Tx>>
}

/** The promises of StreamIndex. */
export function streamIndexPromises<Tx>(): readonly Clause<StreamIndexDriver<Tx>>[] {
  return [
    {
      says: 'the streams of a type are listed page by page, each once, with its last event',
      async holds(driver) {
        await commit(driver, ['order', 'b', 1, 2], ['order', 'a', 3], ['invoice', 'c', 4])
        await commit(driver, ['order', 'Ä é', 5], ['order', 'B', 6], ['order', 'b', 7])
        const seen: RecordedEvent[] = []
        for (let after: string | null = null; ; after = seen.at(-1)?.key ?? null) {
          const page: readonly RecordedEvent[] = await driver.index.list('order', { after, limit: 3 })
          seen.push(...page)
          if (page.length < 3) break
          if (seen.length > 9) throw new Error('the pages do not end')
        }
        const found = seen.map(({ key, id, streamVersion }) => [key, id, streamVersion])
        same(
          found.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
          [
            ['B', sample(6).id, 1],
            ['a', sample(3).id, 1],
            ['b', sample(7).id, 3],
            ['Ä é', sample(5).id, 1],
          ],
          'the streams',
        )
        same((await driver.index.list('order', { after: null, limit: 2 })).length, 2, 'a page of two')
        same(await driver.index.list('nothing', { after: null, limit: 9 }), [], 'of a type that is not there')
      },
    },
    {
      says: 'the last events of streams are found in the order of the names, and null for one that is not there',
      async holds(driver) {
        await commit(driver, ['order', 'b', 1, 2], ['order', 'a', 3], ['invoice', 'b', 4])
        const names = [
          { type: 'order', id: 'b' },
          { type: 'order', id: 'c' },
          { type: 'invoice', id: 'b' },
          { type: 'order', id: 'a' },
        ]
        const found = (await driver.index.last(names)).map((event) => event?.id ?? null)
        same(found, [sample(2).id, null, sample(4).id, sample(3).id], 'the last events')
        same(await driver.index.last([]), [], 'of no names')
        const [one] = await driver.index.last(names.slice(0, 1))
        const [read] = await driver.events.read({ type: 'order', id: 'b' }, { after: 1, upTo: null, limit: 9 })
        same(
          { ...one, position: String(one?.position) },
          { ...read, position: String(read?.position) },
          'all of an event',
        )
      },
    },
    {
      says: 'streams and events of a type are counted and listed once they are committed',
      async holds(driver) {
        await commit(driver, ['order', 'b', 1, 2], ['order', 'a', 3], ['invoice', 'c', 4])
        const open = await driver.begin()
        await driver.events.append(open.tx, appendsOf(['order', 'd', 5], ['order', 'a', 6]))
        const look = async () => {
          const listed = await driver.index.list('order', { after: null, limit: 9 })
          return [await driver.index.count('order'), listed.length]
        }
        same(await look(), [{ streams: 2, events: 3 }, 2], 'before the commit')
        await open.commit()
        same(await look(), [{ streams: 3, events: 5 }, 3], 'after it')
        same(await driver.index.count('nothing'), { streams: 0, events: 0 }, 'of a type that is not there')
      },
    },
  ]
}

type Written = readonly [type: string, id: string, ...numbers: number[]]

function appendsOf(...written: readonly Written[]): readonly StreamAppend[] {
  return written.map(([type, id, ...numbers]) => ({
    ...{ stream: { type, id }, expected: 'any', appendId: null },
    events: numbers.map((number) => {
      const { topic: _, key: __, ...event } = sample(number)
      return event
    }),
  }))
}

async function commit<Tx>(driver: StreamIndexDriver<Tx>, ...written: readonly Written[]): Promise<void> {
  const open = await driver.begin()
  await driver.events.append(open.tx, appendsOf(...written))
  await open.commit()
}
