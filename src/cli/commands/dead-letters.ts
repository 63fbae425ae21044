import { flag, type Item, items, number, text, textOrNull } from '../answer.ts'
import { changeLines } from '../change-lines.ts'
import { columns, fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { contentText } from '../content.ts'
import { fromEach, oneService } from '../fleet.ts'
import { safeLines } from '../safe-text.ts'
import { filterQuery, referenceOf } from '../selection.ts'
import type { ServiceClient } from '../service-client.ts'

export async function groups(call: Call): Promise<Outcome> {
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/dead-letters/groups'))
  const rows = found
    .flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
    .sort((a, b) => number(b, 'count') - number(a, 'count'))
  const table = columns(
    rows,
    [
      { title: 'COUNT', of: (row) => number(row, 'count'), align: 'right' },
      { title: 'KEYS', of: (row) => number(row, 'keys'), align: 'right' },
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'TYPE', of: (row) => text(row, 'type') },
      { title: 'HANDLER', of: (row) => textOrNull(row, 'handler') },
      { title: 'FINGERPRINT', of: (row) => text(row, 'fingerprint') },
      { title: 'SINCE', of: (row) => textOrNull(row, 'firstFailedAt') },
      { title: 'ERROR', of: errorOf },
    ],
    call.terminal.width,
  )
  return { data: rows, text: rows.length === 0 ? 'No dead letters.' : table, exit, diagnostics }
}

export async function list(call: Call): Promise<Outcome> {
  const limit = call.options.count('limit') ?? 50
  const query = filterQuery(call)
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/dead-letters', query, limit))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  const table = columns(
    rows,
    [
      { title: 'NUMBER', of: (row) => `${text(row, 'service')}/${text(row, 'number')}` },
      { title: 'TYPE', of: (row) => text(row, 'type') },
      { title: 'KEY', of: (row) => text(row, 'key') },
      { title: 'TRIES', of: (row) => number(row, 'attempts'), align: 'right' },
      { title: 'FAILED AT', of: (row) => textOrNull(row, 'failedAt') },
      { title: 'BLOCKS', of: (row) => (flag(row, 'isBlocking') ? 'its key' : 'nothing') },
      { title: 'REDRIVE', of: (row) => textOrNull(row, 'redrive') },
      { title: 'ERROR', of: errorOf },
    ],
    call.terminal.width,
  )
  return { data: rows, text: rows.length === 0 ? 'No dead letters.' : table, exit, diagnostics }
}

export async function show(call: Call): Promise<Outcome> {
  const { client, number: wanted } = await letterOf(call)
  const letter = await client.get(`/dead-letters/${wanted}`)
  const payload = call.options.has('payload') ? await client.get(`/dead-letters/${wanted}/payload`) : null
  const history = items(letter['history'] ?? [], 'history')
  const parts = [
    fields({
      number: `${client.name}/${text(letter, 'number')}`,
      state: `${text(letter, 'state')}${flag(letter, 'isBlocking') ? ', its key waits for it' : ''}`,
      type: `${text(letter, 'type')} v${number(letter, 'version')}`,
      key: text(letter, 'key'),
      id: text(letter, 'id'),
      correlation: text(letter, 'correlationId'),
      from: `${text(letter, 'source')} at ${text(letter, 'position')}`,
      handler: textOrNull(letter, 'handler'),
      error: errorOf(letter),
      fingerprint: textOrNull(letter, 'fingerprint'),
      attempts: number(letter, 'attempts'),
      redrive: textOrNull(letter, 'redrive'),
      replaces: textOrNull(letter, 'replaces'),
      'replaced by': textOrNull(letter, 'replacedBy'),
    }),
    '',
    columns(
      history,
      [
        { title: 'ATTEMPT', of: (row) => number(row, 'number'), align: 'right' },
        { title: 'AT', of: (row) => text(row, 'at') },
        { title: 'OUTCOME', of: (row) => text(row, 'outcome') },
        { title: 'VERSION', of: (row) => text(row, 'serviceVersion') },
        { title: 'ERROR', of: errorOf },
      ],
      call.terminal.width,
    ),
    ...stackOf(history),
    ...(payload === null ? [] : ['', contentText(payload)]),
    '',
    `estafet dead-letters dry-run ${client.name}/${wanted} tries it without effect; redrive does it.`,
  ]
  return done({ service: client.name, ...letter, ...(payload ?? {}) }, parts.join('\n'))
}

export async function diff(call: Call): Promise<Outcome> {
  const { client, number: wanted } = await letterOf(call)
  const answer = await client.get(`/dead-letters/${wanted}/diff`)
  const lines = items(answer['changes'], 'changes').flatMap((change) => changeLines(text(change, 'field'), change))
  const head = `${client.name}/${text(answer, 'replaces')} was replaced by ${client.name}/${text(answer, 'number')}`
  return done({ service: client.name, ...answer }, [head, ...lines].join('\n'))
}

/** The one dead letter that the line names. */
export async function letterOf(call: Call): Promise<{ readonly client: ServiceClient; readonly number: string }> {
  const { service, number: wanted } = referenceOf(call.arguments[0] ?? '')
  return { client: await oneService(call, service), number: wanted }
}

function errorOf(row: Item): string | null {
  const [name, message] = [textOrNull(row, 'errorName'), textOrNull(row, 'errorMessage')]
  if (name === null) return null
  return message === null || message === '' ? name : `${name}: ${message}`
}

function stackOf(history: readonly Item[]): readonly string[] {
  const stack = textOrNull(history.findLast((each) => textOrNull(each, 'stack') !== null) ?? {}, 'stack')
  return stack === null || stack === '' ? [] : ['', safeLines(stack)]
}
