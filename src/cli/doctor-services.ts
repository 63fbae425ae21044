import { type Check, checksOf } from './check.ts'
import type { Call } from './command.ts'
import { CommandFailure } from './failure.ts'
import type { Instance } from './fleet.ts'
import { type Facts, factsOf } from './service-facts.ts'
import { shellWord } from './shell-word.ts'
import { sayMs } from './span.ts'

/** More than this and times of different machines cannot be compared by eye. */
const skewMs = 2000

/** Looks at every process of every service, and at how they go together. */
export async function serviceChecks(all: readonly Instance[], call: Call): Promise<readonly Check[]> {
  const lagOver = call.options.count('lag-over') ?? 1000
  const looked = await Promise.all(all.map(factsOrFailure))
  const seen = looked.flatMap((each) => ('service' in each ? [each] : []))
  return [
    ...looked.flatMap((each) => ('service' in each ? checksOfFacts(each, lagOver) : each)),
    ...versionChecks(seen),
  ]
}

async function factsOrFailure(instance: Instance): Promise<Facts | readonly Check[]> {
  try {
    if ('failure' in instance) throw instance.failure
    return await factsOf(instance.client)
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.exit === 'interrupted') throw error
    const { message, hint } = error.diagnostic
    return [checksOf(instance.name).fail('reachable', message, hint ?? 'See the log of the service.')]
  }
}

function checksOfFacts(facts: Facts, lagOver: number): readonly Check[] {
  const { service } = facts
  const { ok, warn, fail } = checksOf(service)
  return [
    ok('reachable', `version ${facts.version}`),
    facts.isLive
      ? facts.isReady
        ? ok('ready', 'every loop works')
        : fail('ready', 'not every loop works', `See its log; ${stalledWords(facts)}`)
      : fail('live', 'a loop has ended for good', `Look at its log, then restart the process; ${stalledWords(facts)}`),
    ...facts.stalled.map((each) =>
      fail(
        `loop ${each.name}`,
        `${each.state}${each.error === null ? '' : `, held up by ${each.error}`}`,
        stalledFix(each.error),
      ),
    ),
    facts.pausedBy === null
      ? ok('paused', 'nobody paused it')
      : warn(
          'paused',
          `paused by ${facts.pausedBy}`,
          `estafet subscriptions resume ${facts.feeds[0]?.feed ?? 'FEED'} --service ${service}`,
        ),
    facts.deadLetters === 0
      ? ok('dead letters', 'none')
      : warn(
          'dead letters',
          `${facts.deadLetters} wait for a person`,
          `estafet dead-letters groups --service ${service}`,
        ),
    parkingCheck(facts),
    ...sagasChecks(facts),
    ...flowsChecks(facts),
    ...facts.feeds.flatMap(({ feed, lag, error }) =>
      lag === null ? [fail(`feed ${feed}`, `it cannot be read: ${error ?? 'unknown'}`, stalledFix(error))] : [],
    ),
    facts.lag <= lagOver
      ? ok('lag', `${facts.lag} messages`)
      : warn(
          'lag',
          `${facts.lag} messages, more than ${lagOver}`,
          'See estafet lag --watch: when it grows, run more processes of the service.',
        ),
    clockCheck(facts),
  ]
}

/** What may be parked before a subscription pauses by itself, unless the service says otherwise: parkingLimits. */
const mostParked = { keys: 1000, messages: 10_000 }

export function parkingCheck({
  service,
  parkedKeys,
  parkedMessages,
}: Pick<Facts, 'service' | 'parkedKeys' | 'parkedMessages'>): Check {
  const { ok, warn, fail } = checksOf(service)
  const says = `${parkedKeys} keys, with ${parkedMessages} messages`
  const share = Math.max(parkedKeys / mostParked.keys, parkedMessages / mostParked.messages)
  const fix = `estafet dead-letters groups --service ${service}, then redrive or discard; or raise its parkingLimits.`
  if (share > 1) return fail('parked', `${says}: more than the default limits, at which the subscription pauses`, fix)
  return share >= 0.8
    ? warn('parked', `${says}: near the limits, at which the subscription pauses`, fix)
    : ok('parked', says)
}

/** Nothing of a service whose version tells nothing of sagas. */
export function sagasChecks({ service, sagas }: Pick<Facts, 'service' | 'sagas'>): readonly Check[] {
  if (sagas === null) return []
  const { ok, fail } = checksOf(service)
  const { stuck, seconds, first } = sagas
  if (stuck === 0) return [ok('sagas', 'none is stuck')]
  const names = `${first.join(', ')}${stuck > first.length ? ', ...' : ''}`
  const see = `estafet sagas show ${shellWord(first[0] ?? 'ID')} --service ${service} says why`
  return [
    fail(
      'sagas',
      `${stuck} stuck, the longest for ${sayMs(seconds * 1000)}: ${names}`,
      `${see}; estafet sagas list --stuck --service ${service} lists them.`,
    ),
  ]
}

/**
 * Nothing of a service whose version tells nothing of flows. A warning: who follows a flow is well when others are late, and what
 * is wrong with those is said of them.
 */
export function flowsChecks({ service, flows }: Pick<Facts, 'service' | 'flows'>): readonly Check[] {
  if (flows === null) return []
  const { ok, warn } = checksOf(service)
  const { overdue, first } = flows
  const [one] = first
  // They may have gone on between two questions.
  if (overdue === 0 || one === undefined) return [ok('flows', 'none is overdue')]
  const late = (seconds: number): string => (seconds === 0 ? 'less than 1 s' : sayMs(seconds * 1000))
  const names = first.map(({ flow, correlationId, seconds }) => `${flow} ${correlationId} by ${late(seconds)}`)
  const see = `estafet flows show ${shellWord(one.flow)} ${shellWord(one.correlationId)} --service ${service} says after what`
  return [
    warn(
      'flows',
      `${overdue} overdue: ${names.join(', ')}${overdue > first.length ? ', ...' : ''}`,
      `${see}; estafet flows list --overdue --service ${service} lists them.`,
    ),
  ]
}

function stalledWords({ stalled }: Facts): string {
  return stalled.length === 0
    ? 'estafet status --wait waits for it.'
    : `stalled: ${stalled.map(({ name }) => name).join(', ')}.`
}

function stalledFix(error: string | null): string {
  if (error === null) return 'See the log of the service.'
  return /^[A-Z_]+$/.test(error)
    ? `docs/errors.md#${error.toLowerCase()} says what to do.`
    : 'See the log of the service.'
}

export function clockCheck({ service, clock }: Pick<Facts, 'service' | 'clock'>): Check {
  const { ok, warn } = checksOf(service)
  if (clock === null) return ok('clock', 'it does not say its time')
  const { aheadMs, exactMs } = clock
  if (Math.abs(aheadMs) - exactMs <= skewMs) return ok('clock', `within ${sayMs(skewMs + exactMs)} of this machine's`)
  const way = aheadMs > 0 ? 'ahead of' : 'behind'
  return warn(
    'clock',
    `${sayMs(Math.abs(aheadMs))} ${way} this machine's`,
    'Let both machines take their time from NTP: timedatectl set-ntp true',
  )
}

/** Processes of one service that run different versions: a deployment under way, or one that got stuck. */
export function versionChecks(all: readonly Pick<Facts, 'service' | 'version'>[]): readonly Check[] {
  return [...new Set(all.map(({ service }) => service))].flatMap((service) => {
    const of = all.filter((each) => each.service === service)
    const versions = [...new Set(of.map(({ version }) => version))].sort()
    if (of.length < 2) return []
    const { ok, warn } = checksOf(service)
    if (versions.length === 1) return [ok('versions', `${of.length} processes, all ${versions[0]}`)]
    return [warn('versions', `its processes run ${versions.join(' and ')}`, 'Finish the deployment, or take it back.')]
  })
}
