import type { InboxDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryParkingDriver } from './memory-driver.ts'

type Driver = InboxDriver<MemoryTransaction>
type Inbox = Driver['inbox']

/** Inboxes that each break one promise, by what is wrong with them. */
export const brokenInboxes: Readonly<Record<string, () => Driver>> = {
  'takes everything for new': () => withInbox(() => ({ take: (_tx, _of, ids) => Promise.resolve(ids) })),
  'takes nothing for new': () => withInbox(() => ({ take: () => Promise.resolve([]) })),
  'knows one subscription': () => withInbox((inbox) => ({ take: (tx, _, ids) => inbox.take(tx, 's', ids) })),
  'takes in a transaction of its own': () =>
    withInbox((inbox, { unitOfWork }) => ({ take: (_, of, ids) => unitOfWork.run((tx) => inbox.take(tx, of, ids)) })),
  'looks at the beginning of an id': () =>
    withInbox((inbox) => ({
      take: (tx, of, ids) =>
        inbox.take(
          tx,
          of,
          ids.map(({ id, place }) => ({ id: id.slice(0, 1000), place })),
        ),
    })),
  'knows no places': () =>
    withInbox((inbox) => {
      let takes = 0
      return {
        // As if each record were at another place each time it comes.
        async take(tx, of, ids) {
          const own = new Map(ids.map((sent) => [`${sent.place} of ${takes}`, sent]))
          takes += 1
          const fresh = await inbox.take(
            tx,
            of,
            [...own].map(([place, { id }]) => ({ id, place })),
          )
          return fresh.flatMap(({ place }) => own.get(place) ?? [])
        },
      }
    }),
  'remembers the last place': () =>
    withInbox((inbox) => {
      const last = new Map<string, string>()
      return {
        async take(tx, of, ids) {
          const fresh = await inbox.take(tx, of, ids)
          const again = ids.filter((sent) => last.get(`${of} ${sent.id}`) === sent.place)
          for (const { id, place } of ids) last.set(`${of} ${id}`, place)
          return [...new Set([...fresh, ...again])]
        },
      }
    }),
  'forgets what is not old': () => withInbox((inbox) => ({ forget: (of) => inbox.forget(of, -1) })),
  'forgets what others took': () =>
    withInbox((inbox) => ({
      async forget(of, days) {
        await inbox.forget(of, days - 1)
        await inbox.forget('s', days - 1)
      },
    })),
  'forgets nothing': () => withInbox(() => ({ forget: () => Promise.resolve() })),
}

function withInbox(change: (inbox: Inbox, driver: Driver) => Partial<Inbox>): Driver {
  const driver = memoryParkingDriver()
  return { ...driver, inbox: { ...driver.inbox, ...change(driver.inbox, driver) } }
}
