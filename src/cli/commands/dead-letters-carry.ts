import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { number } from '../answer.ts'
import { fileContent } from '../body.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { usage } from '../failure.ts'
import { oneService } from '../fleet.ts'
import { escapeControls } from '../safe-text.ts'
import { filterQuery } from '../selection.ts'

export async function exportLetters(call: Call): Promise<Outcome> {
  const client = await oneService(call)
  const lines = (await client.getText('/dead-letters/export', filterQuery(call)))
    .split('\n')
    .filter((line) => line !== '')
  const file = call.options.text('output')
  if (file === null) return done(lines.map(parse), lines.map(escapeControls).join('\n'))
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
  return done({ service: client.name, count: lines.length, file }, `wrote ${lines.length} of ${client.name} to ${file}`)
}

export async function importLetters(call: Call): Promise<Outcome> {
  const [file = ''] = call.arguments
  const content = file === '-' ? await call.terminal.input() : fileContent(call, file)
  const letters = content
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parse)
  const client = await oneService(call)
  const refusal = await confirm(call, {
    data: { service: client.name, count: letters.length },
    text: `${letters.length} dead letters would be taken in by ${client.name}; those that are there already are left alone.`,
    question: `Import ${letters.length} dead letters into ${client.name}`,
    isEmpty: letters.length === 0,
  })
  if (refusal !== null) return refusal
  const reason = call.options.text('reason')
  const answer = await client.post('/dead-letters/import', {
    ...{ items: letters, expect: letters.length, requestId: crypto.randomUUID() },
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
