import { type Item, items, number, text, textOrNull, texts } from '../answer.ts'
import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import type { Diagnostic } from '../envelope.ts'
import { fromEach } from '../fleet.ts'
import type { ServiceClient } from '../service-client.ts'

export async function verify(call: Call): Promise<Outcome> {
  // All subscriptions before any log: what they have read by then must be in the logs that are looked at after.
  const read = await fromEach(call, (client) => client.all('/subscriptions'))
  const { found, exit, diagnostics } = await fromEach(call, logOf)
  const heads = new Map(found.map(({ service, value }) => [service, value]))
  const logs = found.map(({ service, value }): Item => ({ service, ...value }))
  const subscriptions = read.found.flatMap(({ service, value }) =>
    value.flatMap((subscription) => readings(service, subscription, heads)),
  )
  const faults = [...logs.flatMap(logFaults), ...subscriptions.flatMap(readingFaults)]
  const readingText = subscriptions.length === 0 ? [] : ['', readingTable(call, subscriptions)]
  return {
    data: { logs, subscriptions },
    text: [logTable(call, logs), ...readingText].join('\n'),
    exit: faults.length > 0 ? 'found' : exit,
    diagnostics: [...diagnostics, ...faults],
  }
}

/** What all pages of a log's verification say together, and how far the log goes. */
async function logOf(client: ServiceClient): Promise<Item> {
  const sums = { messages: 0, missing: 0, wrongSlots: 0, repeatedIds: 0 }
  let firstPosition: string | null = null
  let lastPosition: string | null = null
  for (let after: string | null = null; ; ) {
    const page: Item = await client.get('/log/verify', { after })
    sums.messages += number(page, 'messages')
    sums.missing += number(page, 'missing')
    sums.wrongSlots += number(page, 'wrongSlots')
    sums.repeatedIds += number(page, 'repeatedIds')
    firstPosition ??= textOrNull(page, 'firstPosition')
    lastPosition = textOrNull(page, 'lastPosition') ?? lastPosition
    after = textOrNull(page, 'next')
    if (after !== null) continue
    const head = await client.get('/log')
    const [epoch, lastCommitted] = [text(head, 'epoch'), text(head, 'lastCommitted')]
    return { ...sums, firstPosition, lastPosition, epoch, lastCommitted }
  }
}

/** How a subscription stands to a log, where that of its feed was looked at, too. */
function readings(service: string, subscription: Item, heads: ReadonlyMap<string, Item>): readonly Item[] {
  const feed = text(subscription, 'feed')
  const head = heads.get(feed.startsWith('log:') ? feed.slice('log:'.length) : '')
  const lanes = items(subscription['lanes'], 'lanes')
  if (head === undefined || subscription['isRead'] === false || lanes.length === 0) return []
  const epoch = text(head, 'epoch')
  const current = lanes.filter((lane) => text(lane, 'epoch') === epoch)
  const cursors = current.map((lane) => BigInt(text(lane, 'cursor')))
  const end = BigInt(text(head, 'lastCommitted'))
  return [
    {
      ...{ service, feed, epoch, lanes: current.length, isOfEpoch: current.length > 0 },
      ...{ cursors: cursors.map(String), lastCommitted: String(end) },
      beyond: cursors.filter((cursor) => cursor > end).length,
    },
  ]
}

function logFaults(row: Item): readonly Diagnostic[] {
  const hint = 'Something wrote to estafet.outbox beside estafet.publish: see who may, by \\dp estafet.* in psql.'
  const [service, slots, ids] = [text(row, 'service'), number(row, 'wrongSlots'), number(row, 'repeatedIds')]
  return [
    ...(slots === 0
      ? []
      : [
          fault(
            `The log of ${service} has ${slots} messages in a slot that is not their key's: their order is not kept.`,
            hint,
          ),
        ]),
    ...(ids === 0 ? [] : [fault(`The log of ${service} has ${ids} ids more than once.`, hint)]),
  ]
}

function readingFaults(row: Item): readonly Diagnostic[] {
  const [service, feed, beyond] = [text(row, 'service'), text(row, 'feed'), number(row, 'beyond')]
  if (row['isOfEpoch'] === false) {
    return [
      fault(
        `${service} has read ${feed} in an epoch that has ended, and not in this one.`,
        `Find out what was lost, then set newEpochAt of ${service}.`,
      ),
    ]
  }
  if (beyond === 0) return []
  return [
    fault(
      `${service} stands beyond the end of ${feed} in ${beyond} lanes: the log was set back, and what comes next would be passed over.`,
      'Stop it; find out what the log lost; then estafet log new-epoch in the database of the log.',
    ),
  ]
}

function fault(message: string, hint: string): Diagnostic {
  return { code: 'LOG_FAULT', severity: 'error', message, hint }
}

function logTable({ terminal }: Call, rows: readonly Item[]): string {
  const range = (row: Item): string =>
    `${textOrNull(row, 'firstPosition') ?? '-'} to ${textOrNull(row, 'lastPosition') ?? '-'}`
  return columns(
    rows,
    [
      { title: 'LOG', of: (row) => text(row, 'service') },
      { title: 'MESSAGES', of: (row) => number(row, 'messages'), align: 'right' },
      { title: 'POSITIONS', of: range },
      { title: 'ROLLED BACK', of: (row) => number(row, 'missing'), align: 'right' },
      { title: 'WRONG SLOTS', of: (row) => number(row, 'wrongSlots'), align: 'right' },
      { title: 'REPEATED IDS', of: (row) => number(row, 'repeatedIds'), align: 'right' },
    ],
    terminal.width,
  )
}

function readingTable({ terminal }: Call, rows: readonly Item[]): string {
  return columns(
    rows,
    [
      { title: 'SUBSCRIPTION', of: (row) => text(row, 'service') },
      { title: 'FEED', of: (row) => text(row, 'feed') },
      { title: 'LANES', of: (row) => number(row, 'lanes'), align: 'right' },
      { title: 'CURSORS', of: (row) => texts(row, 'cursors').join(' ') },
      { title: 'END OF THE LOG', of: (row) => text(row, 'lastCommitted'), align: 'right' },
      { title: 'BEYOND THE END', of: (row) => number(row, 'beyond'), align: 'right' },
    ],
    terminal.width,
  )
}
