import { flag, type Item, item, number, text, textOrNull } from '../answer.ts'
import { columns, fields } from '../columns.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { contentText } from '../content.ts'
import { fromEach } from '../fleet.ts'
import { safeLines, safeText } from '../safe-text.ts'
import { sagaOf } from '../saga-path.ts'
import { isOpenStep, stepsOf, timeline } from '../saga-timeline.ts'
import { shellWord } from '../shell-word.ts'
import { sayMs } from '../span.ts'

export async function list(call: Call): Promise<Outcome> {
  const { options } = call
  const limit = options.count('limit') ?? 50
  const idleMs = options.spanMs('idle')
  const query = {
    type: options.text('type'),
    status: options.text('status'),
    idle: idleMs === null ? null : Math.ceil(idleMs / 1000),
    stuck: options.has('stuck') ? true : null,
  }
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/sagas', query, limit))
  const rows = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'ID', of: (row) => text(row, 'id') },
      { title: 'TYPE', of: typeText },
      { title: 'STATE', of: stateText },
      { title: 'IDLE', of: idleText, align: 'right' },
      { title: 'STARTED AT', of: (row) => text(row, 'startedAt') },
      { title: 'WHY', of: (row) => text(row, 'why') },
    ],
    call.terminal.width,
  )
  return {
    ...{ data: rows, text: rows.length === 0 ? 'No sagas.' : table, diagnostics },
    exit: options.has('stuck') && rows.length > 0 ? 'found' : exit,
  }
}

export async function show(call: Call): Promise<Outcome> {
  const { client, path, id } = await sagaOf(call)
  const saga = await client.get(path)
  const next = nextOf(saga, shellWord(id), `--service ${client.name} --reason TEXT`)
  const parts = [
    fields({
      saga: `${id} of ${client.name}`,
      type: typeText(saga),
      state: stateText(saga),
      started: text(saga, 'startedAt'),
      idle: idleText(saga),
      due: textOrNull(saga, 'dueAt'),
      correlation: text(saga, 'correlationId'),
      ...askerOf(saga),
      ...said(saga, 'failure'),
      ...said(saga, 'attention'),
      ...said(saga, 'error'),
    }),
    '',
    timeline(saga, call.terminal.width),
    ...(call.options.has('payload') ? ['', ...contents(saga)] : []),
    '',
    safeText(text(saga, 'why')),
    ...(next.length === 0 ? [] : ['', ...next.map(safeText)]),
  ]
  return done({ service: client.name, ...saga }, parts.join('\n'))
}

function typeText(row: Item): string {
  return `${text(row, 'type')} v${number(row, 'version')}`
}

function stateText(row: Item): string {
  return flag(row, 'isStuck') ? `${text(row, 'status')}, stuck` : text(row, 'status')
}

/** Nothing for one that is at its end. */
function idleText(row: Item): string | null {
  return isEnd(row) ? null : sayMs(number(row, 'idleSeconds') * 1000)
}

function isEnd(row: Item): boolean {
  return ['completed', 'compensated'].includes(text(row, 'status'))
}

function askerOf(saga: Item): Readonly<Record<string, string>> {
  const asker = saga['askedBy'] ?? null
  return asker === null ? {} : { 'asked by': text(item(asker, 'askedBy'), 'owner') }
}

function said(saga: Item, field: string): Readonly<Record<string, string>> {
  const value = textOrNull(saga, field)
  return value === null ? {} : { [field]: value }
}

/** What a person may want to type next, each with what it does. */
function nextOf(saga: Item, id: string, rest: string): readonly string[] {
  const line = (verb: string, more: string, says: string): readonly string[] => [
    `estafet sagas ${verb} ${id}${more === '' ? '' : ` ${more}`} ${rest}`,
    `    ${says}`,
  ]
  if (text(saga, 'status') === 'compensated') return []
  if (isEnd(saga)) return line('compensate', '', 'takes everything back')
  const open = stepsOf(saga).filter(isOpenStep)
  const ofSteps = open.flatMap((step) => {
    const name = shellWord(text(step, 'name'))
    if (text(step, 'kind') !== 'request') return line('fire', name, 'lets its time have come')
    if (text(step, 'state') === 'undoing') {
      return [
        ...line('answer', `${name} --cancelled`, 'says that it was taken back'),
        ...line('skip', name, 'goes on, and what it did stays'),
      ]
    }
    return [
      ...line('answer', `${name} --done JSON`, 'says what came of it; or --refused NAME, or --cancelled'),
      ...line('fire', name, 'does not wait for its answer any longer: it is taken back'),
    ]
  })
  const isTried = open.some((step) => text(step, 'kind') === 'request') || textOrNull(saga, 'error') !== null
  return [
    ...ofSteps,
    ...(isTried ? line('retry', '', 'tries now what would be tried later, and asks again') : []),
    ...(text(saga, 'status') === 'running' ? line('cancel', '', 'takes everything back') : []),
  ]
}

/** What the saga and its steps hold. */
function contents(saga: Item): readonly string[] {
  // Whoever may see none gets none: not even an empty one.
  if (!('input' in saga)) return ['(the token may not see payloads)']
  const parts: readonly (readonly [string, unknown])[] = [
    ['input', saga['input']],
    ...stepsOf(saga).flatMap((step): readonly (readonly [string, unknown])[] => [
      [`request of ${text(step, 'name')}`, step['request']],
      [`value of ${text(step, 'name')}`, step['value']],
    ]),
    ['result', saga['result']],
  ]
  return parts.flatMap(([name, content]) =>
    content === null || content === undefined
      ? []
      : [`${safeText(name)}: ${safeLines(contentText(item(content, name)))}`],
  )
}
