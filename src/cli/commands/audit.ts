import { type Item, numberOrNull, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import { fromEach } from '../fleet.ts'

export async function audit(call: Call): Promise<Outcome> {
  const limit = call.options.count('limit') ?? 50
  const { found, diagnostics, exit } = await fromEach(call, (client) => client.all('/audit', {}, limit))
  const rows = found
    .flatMap(({ service, value }) => value.map((entry): Item => ({ service, ...entry })))
    .sort((a, b) => text(a, 'at').localeCompare(text(b, 'at')))
  const table = columns(
    rows,
    [
      { title: 'AT', of: (row) => text(row, 'at') },
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'WHO', of: (row) => text(row, 'who') },
      { title: 'WHAT', of: (row) => text(row, 'action') },
      { title: 'COUNT', of: (row) => numberOrNull(row, 'count'), align: 'right' },
      { title: 'REASON', of: (row) => textOrNull(row, 'reason') },
    ],
    call.terminal.width,
  )
  return { data: rows, text: table, exit, diagnostics }
}
