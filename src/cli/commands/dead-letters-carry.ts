import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { number } from '../answer.ts'
import { fileContent } from '../body.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { Diagnostic } from '../envelope.ts'
import { usage } from '../failure.ts'
import { oneService } from '../fleet.ts'
import { escapeControls } from '../safe-text.ts'
import { filterQuery } from '../selection.ts'

/** Of one answer of the ops API. */
const exportedAtMost = 10_000

export async function exportLetters(call: Call): Promise<Outcome> {
  const client = await oneService(call)
  const lines = (await client.getText('/dead-letters/export', filterQuery(call)))
    .split('\n')
    .filter((line) => line !== '')
  const file = call.options.text('output')
  const cut: readonly Diagnostic[] =
    lines.length < exportedAtMost
      ? []
      : [
          {
            code: 'PARTIAL',
            severity: 'warning',
            message: `An export holds at most ${exportedAtMost}: there may be more.`,
            hint: 'Export by --type, --handler or --before, in parts.',
          },
        ]
  if (file === null) return done(lines.map(parse), lines.map(escapeControls).join('\n'), cut)
  try {
    // They hold payloads. A file that is there already is not written over.
    writeFileSync(resolve(call.cwd, file), lines.map((line) => `${line}\n`).join(''), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
    throw usage(
      `The file ${file} ${isThere ? 'is there already' : 'cannot be written'}.`,
      'Name another one by --output.',
    )
  }
  return done(
    { service: client.name, count: lines.length, file },
    `wrote ${lines.length} of ${client.name} to ${file}`,
    cut,
  )
}

export async function importLetters(call: Call): Promise<Outcome> {
  const [file = ''] = call.arguments
  const content = file === '-' ? await call.terminal.input() : fileContent(call, file)
  const letters = content
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parse)
  const client = await oneService(call)
  // The service looks at every line before anybody is asked.
  const count = number(await client.post('/dead-letters/import', { items: letters }), 'count')
  const refusal = await confirm(call, {
    data: { service: client.name, count },
    text: `${count} dead letters would be taken in by ${client.name}; those that are there already are left alone.`,
    question: `Import ${count} dead letters into ${client.name}`,
    isEmpty: count === 0,
  })
  if (refusal !== null) return refusal
  const reason = call.options.text('reason')
  const answer = await client.post('/dead-letters/import', {
    ...{ items: letters, expect: count, requestId: crypto.randomUUID() },
    ...(reason === null ? {} : { reason }),
  })
  return done({ service: client.name, ...answer }, `imported ${number(answer, 'count')} into ${client.name}`)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw usage('A line is not JSON.', 'The file must be one that estafet dead-letters export wrote.')
  }
}
