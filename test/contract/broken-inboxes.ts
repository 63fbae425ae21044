import type { InboxDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryParkingDriver } from './memory-driver.ts'

type Driver = InboxDriver<MemoryTransaction>
type Inbox = Driver['inbox']

/** Inboxes that each break one promise, by what is wrong with them. */
export const brokenInboxes: Readonly<Record<string, () => Driver>> = {
  'takes everything for new': () => withInbox(() => ({ take: (_tx, _of, ids) => Promise.resolve(new Set(ids)) })),
  'takes nothing for new': () => withInbox(() => ({ take: () => Promise.resolve(new Set<string>()) })),
  'knows one subscription': () => withInbox((inbox) => ({ take: (tx, _, ids) => inbox.take(tx, 's', ids) })),
  'takes in a transaction of its own': () =>
    withInbox((inbox, { unitOfWork }) => ({ take: (_, of, ids) => unitOfWork.run((tx) => inbox.take(tx, of, ids)) })),
  'looks at the beginning of an id': () =>
    withInbox((inbox) => ({
      async take(tx, of, ids) {
        const fresh = await inbox.take(
          tx,
          of,
          ids.map((id) => id.slice(0, 1000)),
        )
        return new Set(ids.filter((id) => fresh.has(id.slice(0, 1000)) && fresh.size === ids.length))
      },
    })),
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
