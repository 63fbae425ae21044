import { flag, type Item, items, number, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { usage } from '../failure.ts'
import { fromEach, oneService } from '../fleet.ts'
import type { ServiceClient } from '../service-client.ts'
import { pause as rest } from '../wait.ts'

export async function list(call: Call): Promise<Outcome> {
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/subscriptions'))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  const lanes = rows.flatMap((row) =>
    items(row['lanes'], 'lanes').map(
      (lane): Item => ({ service: row['service'], feed: row['feed'], paused: row['paused'], ...lane }),
    ),
  )
  const table = columns(
    lanes,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'FEED', of: (row) => text(row, 'feed') },
      { title: 'LANE', of: (row) => number(row, 'lane'), align: 'right' },
      { title: 'CURSOR', of: (row) => text(row, 'cursor'), align: 'right' },
      { title: 'OWNER', of: (row) => textOrNull(row, 'owner') },
      { title: 'PAUSED', of: (row) => pausedBy(row) },
    ],
    call.terminal.width,
  )
  return { data: rows, text: lanes.length === 0 ? 'No subscriptions.' : table, exit, diagnostics }
}

export async function pause(call: Call): Promise<Outcome> {
  const { client, path, feed } = await feedOf(call)
  const refusal = await confirm(call, {
    data: { service: client.name, feed },
    text: `${client.name} would handle nothing until somebody resumes it; what comes meanwhile waits.`,
    question: `Pause ${client.name}`,
  })
  if (refusal !== null) return refusal
  const answer = await client.post(`${path}/pause`, reasonOf(call))
  // Processes look every second. Who reads "is paused" must be able to rely on it.
  for (let looks = 0; looks < 30 && !(await isQuiet(client, feed)); looks++) await rest(call, 100)
  return done(
    { service: client.name, feed, ...answer },
    `${client.name} is paused\nestafet subscriptions resume ${feed} lets it go on`,
  )
}

/** Tells whether the process that answers hands out nothing of a feed any more. */
async function isQuiet(client: ServiceClient, feed: string): Promise<boolean> {
  const { paused } = await client.get('/health')
  return paused !== undefined && items(paused, 'paused').some((each) => each['feed'] === feed)
}

export async function resume(call: Call): Promise<Outcome> {
  const { client, path, feed } = await feedOf(call)
  const answer = await client.post(`${path}/resume`, reasonOf(call))
  return done({ service: client.name, feed, ...answer }, `${client.name} goes on`)
}

export async function replay(call: Call): Promise<Outcome> {
  const from = fromOf(call)
  const { client, path, feed } = await feedOf(call)
  const preview = await client.post(`${path}/replay/preview`, from)
  const count = number(preview, 'count')
  const refusal = await confirm(call, {
    data: { service: client.name, feed, ...preview },
    text: `${flag(preview, 'isExact') ? '' : 'more than '}${count} messages of ${feed} would come again to ${client.name}, and take effect again.`,
    question: `Replay ${count} messages into ${client.name}`,
    isEmpty: count === 0,
  })
  if (refusal !== null) return refusal
  const answer = await client.post(`${path}/replay`, {
    // As it was seen: what came in between does not make it another replay.
    ...{ ...from, expect: count, reached: preview['reached'], requestId: crypto.randomUUID() },
    ...reasonOf(call),
  })
  return done({ service: client.name, feed, ...answer }, `${client.name} handles ${count} messages of ${feed} again`)
}

/** From where history comes again. Throws a usage failure unless exactly one of --to and --since says so. */
function fromOf({ options }: Call): Readonly<Record<string, string>> {
  const [to, since] = [options.text('to'), options.text('since')]
  if ((to === null) === (since === null)) {
    throw usage('Say from where: --to POSITION (0: everything), or --since TIME.')
  }
  if (to !== null && !/^\d{1,18}$/.test(to)) throw usage('--to takes a position: a whole number.')
  if (since !== null && Number.isNaN(Date.parse(since)))
    throw usage('--since takes a time such as 2026-01-31T08:00:00Z.')
  return to === null ? { time: new Date(since ?? '').toISOString() } : { to }
}

async function feedOf(
  call: Call,
): Promise<{ client: Awaited<ReturnType<typeof oneService>>; path: string; feed: string }> {
  const [feed = ''] = call.arguments
  return { client: await oneService(call), path: `/subscriptions/${encodeURIComponent(feed)}`, feed }
}

function reasonOf({ options }: Call): Readonly<Record<string, string>> {
  const reason = options.text('reason')
  return reason === null ? {} : { reason }
}

function pausedBy(row: Item): string | null {
  const paused = row['paused']
  if (typeof paused !== 'object' || paused === null) return null
  return 'by' in paused && typeof paused.by === 'string' ? `by ${paused.by}` : 'yes'
}
