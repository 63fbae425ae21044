import { type Item, text, textOrNull } from '../answer.ts'
import type { Call, Outcome } from '../command.ts'
import { missing } from '../failure.ts'
import { fromEach } from '../fleet.ts'
import { messageLine } from '../message-line.ts'
import { safeText } from '../safe-text.ts'

const most = 1000

export async function trace(call: Call): Promise<Outcome> {
  const [id = ''] = call.arguments
  const direct = await messagesBy(call, { correlationId: id })
  const byKey = direct.messages.length > 0 ? direct : await messagesBy(call, { key: id })
  const correlations = [...new Set(byKey.messages.map((each) => text(each, 'correlationId')))]
  const whole = new Map<string, Item>(byKey.messages.map((each) => [text(each, 'id'), each]))
  for (const correlationId of correlations.filter((each) => each !== id)) {
    for (const each of (await messagesBy(call, { correlationId })).messages) whole.set(text(each, 'id'), each)
  }
  if (whole.size === 0) {
    const lost = missing(
      `No service has a message with the correlation id or key ${id}.`,
      'The id of a message is a correlation id when nothing caused it; estafet tail shows keys.',
    )
    if (direct.exit === 'ok') throw lost
    // One that could not be asked may have it.
    return { data: null, text: '', exit: direct.exit, diagnostics: [lost.diagnostic, ...direct.diagnostics] }
  }
  const messages = [...whole.values()].toSorted((a, b) => text(a, 'time').localeCompare(text(b, 'time')))
  const dead = await deadOf(call, new Set(messages.map((each) => text(each, 'id'))))
  const lines = tree(messages).map(({ message, depth }) => {
    const line = messageLine(message, call.options.has('payload')).replaceAll('\n', `\n${'  '.repeat(depth)}`)
    const fates = dead.filter((each) => text(each, 'id') === text(message, 'id'))
    const marks = fates.map(
      (each) =>
        `\n${'  '.repeat(depth + 1)}dead letter ${text(each, 'service')}/${text(each, 'number')}: ${safeText(textOrNull(each, 'errorName') ?? '')}`,
    )
    return `${'  '.repeat(depth)}${line}${marks.join('')}`
  })
  const { exit, diagnostics } = byKey
  return { data: { messages, deadLetters: dead }, text: lines.join('\n'), exit, diagnostics }
}

async function messagesBy(
  call: Call,
  query: Readonly<Record<string, string>>,
): Promise<Pick<Outcome, 'exit' | 'diagnostics'> & { readonly messages: readonly Item[] }> {
  const { found, exit, diagnostics } = await fromEach(call, (client) => client.all('/log/messages', query, most))
  const messages = found.flatMap(({ service, value }) => value.map((each): Item => ({ service, ...each })))
  return { messages, exit, diagnostics }
}

/** Dead letters of these messages. */
async function deadOf(call: Call, ids: ReadonlySet<string>): Promise<readonly Item[]> {
  const { found } = await fromEach(call, (client) => client.all('/dead-letters', {}, most))
  return found.flatMap(({ service, value }) =>
    value.filter((each) => ids.has(text(each, 'id'))).map((each): Item => ({ service, ...each })),
  )
}

/** Messages with their causes above them; one whose cause is not among them stands at the left. */
function tree(messages: readonly Item[]): readonly { readonly message: Item; readonly depth: number }[] {
  const ids = new Set(messages.map((each) => text(each, 'id')))
  const causeOf = (message: Item): string | null => {
    const cause = textOrNull(message, 'causationId')
    return cause !== null && ids.has(cause) && cause !== text(message, 'id') ? cause : null
  }
  const shown: { message: Item; depth: number }[] = []
  const walk = (cause: string | null, depth: number): void => {
    for (const message of messages.filter((each) => causeOf(each) === cause)) {
      shown.push({ message, depth })
      walk(text(message, 'id'), depth + 1)
    }
  }
  walk(null, 0)
  return shown
}
