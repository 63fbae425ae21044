import { type Item, number, numberOrNull, text, textOrNull } from '../answer.ts'
import { columns } from '../columns.ts'
import type { Call, Outcome } from '../command.ts'
import type { Diagnostic } from '../envelope.ts'
import { fromEach } from '../fleet.ts'
import type { ServiceClient } from '../service-client.ts'

export async function verify(call: Call): Promise<Outcome> {
  const { found, exit, diagnostics } = await fromEach(call, verdictOf)
  const rows = found.map(({ service, value }): Item => ({ service, ...value }))
  const faults = rows.flatMap(faultsOf)
  const table = columns(
    rows,
    [
      { title: 'SERVICE', of: (row) => text(row, 'service') },
      { title: 'MESSAGES', of: (row) => number(row, 'messages'), align: 'right' },
      {
        title: 'POSITIONS',
        of: (row) => `${textOrNull(row, 'firstPosition') ?? '-'} to ${textOrNull(row, 'lastPosition') ?? '-'}`,
      },
      { title: 'ROLLED BACK', of: (row) => number(row, 'missing'), align: 'right' },
      { title: 'FAULTS', of: (row) => number(row, 'wrongSlots') + number(row, 'repeatedIds'), align: 'right' },
    ],
    call.terminal.width,
  )
  return { data: rows, text: table, exit: faults.length > 0 ? 'found' : exit, diagnostics: [...diagnostics, ...faults] }
}

/** What all pages of a log's verification say together. */
async function verdictOf(client: ServiceClient): Promise<Item> {
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
    if (after === null) return { ...sums, firstPosition, lastPosition }
  }
}

function faultsOf(row: Item): readonly Diagnostic[] {
  const service = text(row, 'service')
  const fault = (count: number | null, what: string): readonly Diagnostic[] =>
    count === null || count === 0
      ? []
      : [
          {
            ...({ code: 'LOG_FAULT', severity: 'error' } as const),
            message: `The log of ${service} has ${count} ${what}.`,
            hint: 'Something wrote to estafet.outbox beside estafet.publish: see who may, with psql \\dp estafet.*',
          },
        ]
  return [
    ...fault(
      numberOrNull(row, 'wrongSlots'),
      'messages whose slot is not the one of their key: their order is not kept',
    ),
    ...fault(numberOrNull(row, 'repeatedIds'), 'ids that stand more than once'),
  ]
}
