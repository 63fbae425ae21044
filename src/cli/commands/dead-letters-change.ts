import { type Item, item, items, number, text, texts } from '../answer.ts'
import { jsonOf } from '../body.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { usage } from '../failure.ts'
import { redriveFields, redriveIsOver, redriveOutcome } from '../redrive.ts'
import { safeText } from '../safe-text.ts'
import { chosen, requireNamed } from '../selection.ts'
import type { ServiceClient } from '../service-client.ts'
import { waitFor } from '../wait.ts'
import { letterOf } from './dead-letters.ts'

export async function dryRun(call: Call): Promise<Outcome> {
  const { client, number: wanted } = await letterOf(call)
  const other = call.options.text('with')
  const body = other === null ? {} : { payload: await jsonOf(call, other, 'The payload') }
  const answer = await client.post(`/dead-letters/${wanted}/dry-run`, body)
  const data = { service: client.name, ...answer }
  const failure = answer['failure'] === null ? null : item(answer['failure'], 'failure')
  return { data, text: dryRunText(answer, failure), exit: failure === null ? 'ok' : 'found', diagnostics: [] }
}

export async function edit(call: Call): Promise<Outcome> {
  const { client, number: wanted } = await letterOf(call)
  const payload = await jsonOf(call, call.arguments[1] ?? '', 'The payload')
  const name = `${client.name}/${wanted}`
  const refusal = await confirm(call, {
    data: { service: client.name, number: wanted },
    text: `The dead letter ${name} would get another payload, and be tried with it at once.`,
    question: `Edit the dead letter ${name}`,
  })
  if (refusal !== null) return refusal
  const answer = await client.post(`/dead-letters/${wanted}/edit`, { payload, ...requestOf(call) })
  const made = text(answer, 'number')
  return done({ service: client.name, ...answer }, `${name} is replaced by ${client.name}/${made}`)
}

export async function discard(call: Call): Promise<Outcome> {
  if (!call.options.has('reason') && !call.options.has('dry-run')) {
    throw usage(
      'What is discarded is lost: say why, for the audit.',
      'Add --reason TEXT; or --dry-run to see how many.',
    )
  }
  const choice = await chosen(call)
  const { client, selection } = choice
  const path = '/dead-letters/discard'
  const preview = await client.post(path, selection)
  const count = number(preview, 'count')
  requireNamed(choice, count)
  const refusal = await confirm(call, previewOf(client, preview, count, 'given up for good', 'Discard'))
  if (refusal !== null) return refusal
  const answer = await client.post(path, { ...selection, expect: count, ...requestOf(call) })
  return done({ service: client.name, ...answer }, `discarded ${number(answer, 'count')} of ${client.name}`)
}

export async function redrive(call: Call): Promise<Outcome> {
  const choice = await chosen(call)
  const { client, selection } = choice
  const rate = call.options.count('rate')
  const preview = await client.post('/redrives', selection)
  const count = number(preview, 'count')
  requireNamed(choice, count)
  const refusal = await confirm(call, previewOf(client, preview, count, 'tried again', 'Redrive'))
  if (refusal !== null) return refusal
  const job = await client.post('/redrives', {
    ...selection,
    expect: count,
    isCanary: call.options.has('canary'),
    ...(rate === null ? {} : { rate }),
    ...requestOf(call),
  })
  const wanted = text(job, 'number')
  const next = `estafet redrives show ${client.name}/${wanted} shows how far it is.`
  if (!call.options.has('wait')) {
    return done({ service: client.name, ...job }, `redrive ${client.name}/${wanted} began with ${count}\n${next}`)
  }
  const ended = await waitFor(
    call,
    async () => {
      const now = await client.get(`/redrives/${wanted}`)
      return redriveIsOver(now) ? now : null
    },
    `The redrive ${client.name}/${wanted} is still under way`,
  )
  return redriveOutcome(client.name, ended, redriveFields(client.name, ended))
}

function previewOf(
  client: ServiceClient,
  preview: Item,
  count: number,
  fate: string,
  verb: string,
): Parameters<typeof confirm>[1] {
  const letters = count === 1 ? '1 dead letter' : `${count} dead letters`
  return {
    data: { service: client.name, ...preview },
    text: `${letters} of ${client.name} would be ${fate}.`,
    question: `${verb} ${letters} of ${client.name}`,
    isEmpty: count === 0,
  }
}

function dryRunText(answer: Item, failure: Item | null): string {
  const lines = [`handlers: ${texts(answer, 'handlers').map(safeText).join(', ')}`]
  if (failure !== null) {
    const [name, message] = [text(failure, 'errorName'), text(failure, 'errorMessage')]
    return [safeText(`It fails again in ${text(failure, 'handler')}: ${name}: ${message}`), ...lines].join('\n')
  }
  for (const write of items(answer['writes'], 'writes')) {
    const rows = ['inserted', 'updated', 'deleted'].map((verb) => `${number(write, verb)} ${verb}`).join(', ')
    lines.push(safeText(`writes ${text(write, 'table')}: ${rows}`))
  }
  for (const message of items(answer['published'], 'published')) {
    lines.push(safeText(`publishes ${text(message, 'type')} with key ${text(message, 'key')}`))
  }
  return ['It would be applied; nothing was kept.', ...lines].join('\n')
}

/** Who asks twice with the same id asks once: so each run has one of its own, unless the line gives it. */
function requestOf({ options }: Call): Readonly<Record<string, string>> {
  const reason = options.text('reason')
  return { requestId: options.text('request-id') ?? crypto.randomUUID(), ...(reason === null ? {} : { reason }) }
}
