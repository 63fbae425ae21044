import { text } from '../answer.ts'
import { type Call, done, type Outcome } from '../command.ts'
import { confirm } from '../confirm.ts'
import { usage } from '../failure.ts'
import { oneService } from '../fleet.ts'

/** Why a build does not serve. */
const refusals: Readonly<Record<string, string>> = {
  serving: 'It serves already; nothing was done.',
  behind: 'It has not caught up; nothing was done. --force shows it as it is.',
  stopped: 'It stands before an event that it cannot take; nothing was done. --force shows it as it is.',
  parked: 'It has parked messages; nothing was done. --force shows it as it is.',
}

export async function promote(call: Call): Promise<Outcome> {
  const of = await buildOf(call)
  const refusal = await confirm(call, {
    data: of.data,
    text: `${of.name} of ${of.client.name} would be what readers see, in the place of the build that serves.`,
    question: `Show ${of.name}`,
  })
  if (refusal !== null) return refusal
  const answer = await of.client.post(`${of.path}/promote`, { ...of.body, force: call.options.has('force') })
  const why = refusals[text(answer, 'outcome')]
  const outcome = done({ service: of.client.name, ...answer }, why ?? `${of.name} of ${of.client.name} serves`)
  return why === undefined ? outcome : { ...outcome, exit: 'refused' }
}

export async function drop(call: Call): Promise<Outcome> {
  const of = await buildOf(call)
  const refusal = await confirm(call, {
    data: of.data,
    text: `${of.name} of ${of.client.name} would be removed with its tables; only its events can make it again.`,
    question: `Drop ${of.name}`,
  })
  if (refusal !== null) return refusal
  const answer = await of.client.post(`${of.path}/drop`, of.body)
  return done({ service: of.client.name, ...answer }, `${of.name} of ${of.client.name} is gone`)
}

async function buildOf(call: Call) {
  const { options } = call
  const [projection = ''] = call.arguments
  const version = options.count('version')
  if (version === null) throw usage('Give --version: projections list shows the builds.')
  const build = options.count('build') ?? 1
  const reason = options.text('reason')
  const client = await oneService(call)
  return {
    client,
    path: `/projections/${encodeURIComponent(projection)}`,
    name: `${projection} v${version}${build > 1 ? `_${build}` : ''}`,
    body: { version, build, ...(reason === null ? {} : { reason }) },
    data: { service: client.name, projection, version, build },
  }
}
