import { flag, type Item, items, number, numberOrNull, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { fromEach, oneService } from '../fleet.ts'
import { safeText } from '../safe-text.ts'

export async function list(call: Call): Promise<Outcome> {
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/projections'))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'PROJECTION', of: (row) => text(row, 'projection') },
      { title: 'BUILD', of: buildText },
      { title: 'STATE', of: stateText },
      {
        title: 'POSITION',
        of: (row) =>
          feedsOf(row)
            .map((feed) => text(feed, 'position'))
            .join(' '),
        align: 'right',
      },
      {
        title: 'LEFT',
        of: (row) =>
          feedsOf(row)
            .map((feed) => textOrNull(feed, 'left') ?? '?')
            .join(' '),
        align: 'right',
      },
      { title: 'SECONDS', of: secondsText, align: 'right' },
    ],
    call.terminal.width,
  )
  const faults = rows.flatMap(faultsOf)
  const body = [table, ...(faults.length === 0 ? [] : ['', ...faults])].join('\n')
  return {
    ...{ data: rows, diagnostics, exit: faults.length > 0 ? 'found' : exit },
    text: rows.length === 0 ? 'No projections.' : body,
  }
}

export async function rebuild(call: Call): Promise<Outcome> {
  const { client, path, projection } = await projectionOf(call)
  const refusal = await confirm(call, {
    data: { service: client.name, projection },
    text: `${projection} of ${client.name} would be built again in tables of its own; until a person drops the old ones it takes twice the room.`,
    question: `Rebuild ${projection}`,
  })
  if (refusal !== null) return refusal
  const answer = await client.post(`${path}/rebuild`, reasonOf(call))
  return done(
    { service: client.name, ...answer },
    `${projection} is being built again, as ${buildText(answer)}\nestafet projections list shows how far it is`,
  )
}

export const pause = (call: Call): Promise<Outcome> => steer(call, 'pause', 'is paused')
export const resume = (call: Call): Promise<Outcome> => steer(call, 'resume', 'goes on')

async function steer(call: Call, action: 'pause' | 'resume', says: string): Promise<Outcome> {
  const { client, path, projection } = await projectionOf(call)
  const answer = await client.post(`${path}/${action}`, reasonOf(call))
  const before = flag(answer, 'isChanged') ? '' : ', as before'
  return done({ service: client.name, ...answer }, `${projection} of ${client.name} ${says}${before}`)
}

export async function verify(call: Call): Promise<Outcome> {
  const { client, path } = await projectionOf(call)
  const answer = await client.post(`${path}/verify`, {})
  const table = columns(
    items(answer['tables'], 'tables'),
    [
      { title: 'TABLE', of: (row) => text(row, 'table') },
      { title: 'ROWS', of: (row) => number(row, 'rows'), align: 'right' },
      { title: 'MISSING', of: (row) => number(row, 'missing'), align: 'right' },
      { title: 'UNEXPECTED', of: (row) => number(row, 'unexpected'), align: 'right' },
    ],
    call.terminal.width,
  )
  const isEqual = flag(answer, 'isEqual')
  const verdict = isEqual ? 'It is what its events make it.' : 'It is not what its events make it: rebuild it.'
  const outcome = done({ service: client.name, ...answer }, `${table}\n\n${verdict}`)
  return isEqual ? outcome : { ...outcome, exit: 'found' }
}

function buildText(row: Item): string {
  const build = number(row, 'build')
  return `v${number(row, 'version')}${build > 1 ? `_${build}` : ''}`
}

function stateText(row: Item): string {
  const state = flag(row, 'isInline') ? `${text(row, 'state')}, inline` : text(row, 'state')
  return flag(row, 'isPaused') ? `${state}, paused` : state
}

function secondsText(row: Item): string {
  const seconds = numberOrNull(row, 'secondsLeft')
  return seconds === null ? '?' : String(Math.ceil(seconds))
}

/** What holds a build up, one line each. */
function faultsOf(row: Item): readonly string[] {
  const name = `${text(row, 'projection')} ${buildText(row)}`
  const parked = number(row, 'parkedMessages')
  const refused = textOrNull(row, 'refused')
  return [
    ...items(row['stops'], 'stops').map(
      (stop) =>
        `${name} is stopped before position ${text(stop, 'position')} (${text(stop, 'type')}): ${safeText(`${text(stop, 'errorName')}: ${text(stop, 'errorMessage')}`)}`,
    ),
    ...(parked === 0 ? [] : [`${name} has ${parked} parked messages`]),
    ...(refused === null ? [] : [`${name} does not serve: ${safeText(refused)}`]),
  ]
}

function feedsOf(row: Item): readonly Item[] {
  return items(row['feeds'], 'feeds')
}

async function projectionOf(call: Call) {
  const [projection = ''] = call.arguments
  return { client: await oneService(call), path: `/projections/${encodeURIComponent(projection)}`, projection }
}

function reasonOf({ options }: Call): Readonly<Record<string, string>> {
  const reason = options.text('reason')
  return reason === null ? {} : { reason }
}
