import { type Item, number, text } from '../answer.ts'
import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import { type Answers, fromEach } from '../fleet.ts'
import { pause } from '../wait.ts'

export async function lag(call: Call): Promise<Outcome> {
  const { options } = call
  const limit = options.count('fail-over')
  if (!options.has('watch')) return once(call, limit)
  const everyMs = options.spanMs('every') ?? 2000
  const times = options.count('times') ?? Number.POSITIVE_INFINITY
  let isOver = false
  for (let time = 0; time < times && !call.signal.aborted; time++) {
    if (time > 0) await pause(call, everyMs)
    if (call.signal.aborted) break
    const { data, text, exit, diagnostics } = await once(call, limit)
    isOver ||= exit === 'found'
    call.emit(data, time === 0 ? text : `\n${text}`)
    for (const { message } of diagnostics) call.terminal.err(`${message}\n`)
  }
  return { data: null, text: '', exit: isOver ? 'found' : 'ok', diagnostics: [], isStream: true }
}

async function once(call: Call, limit: number | null): Promise<Outcome> {
  const { rows, exit, diagnostics } = await lagRows(call)
  const over = limit === null ? [] : rows.filter((row) => number(row, 'lag') > limit)
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'FEED', of: (row) => text(row, 'feed') },
      { title: 'LAG', of: (row) => number(row, 'lag'), align: 'right' },
    ],
    call.terminal.width,
  )
  const found = over.map((row) => ({
    ...({ code: 'LAG', severity: 'error' } as const),
    message: `${text(row, 'service')} is ${text(row, 'lag')} messages behind ${text(row, 'feed')}.`,
    hint: `estafet doctor --service ${text(row, 'service')} says why.`,
  }))
  return {
    data: rows,
    text: rows.length === 0 ? 'No subscriptions.' : table,
    exit: found.length > 0 ? 'found' : exit,
    diagnostics: [...diagnostics, ...found],
  }
}

/** How far behind each subscription is, of all services. */
async function lagRows(call: Call): Promise<Omit<Answers<never>, 'found'> & { readonly rows: readonly Item[] }> {
  const { found, exit, diagnostics } = await fromEach(call, (client) => client.all('/lag'))
  return {
    rows: found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each }))),
    exit,
    diagnostics,
  }
}
