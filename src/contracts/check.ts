import type { Break } from './break.ts'
import { compareContracts } from './compare.ts'
import type { EventContract, ServiceContract } from './contract.ts'
import type { Contracts, DefinedContract } from './contracts.ts'
import type { Sample } from './sample.ts'
import { checkSamples } from './samples-check.ts'

/** What was committed: contracts and samples, as `generated` gave them before. */
export interface Committed {
  readonly contracts: readonly ServiceContract[]
  readonly samples: readonly Sample[]
}

export interface Verdict {
  /** Changes that break somebody; none: what is defined today may be released. */
  readonly breaks: readonly Break[]
  /** Sentences on what is missing for a check that sees everything. */
  readonly notes: readonly string[]
}

/**
 * Compares what is defined today with what was committed, and runs it over the committed samples. Pure; what is added breaks
 * nobody: event types, optional fields, fields with a default, versions with an upcast, handlers.
 */
export function checkContracts(today: Contracts, committed: Committed): Verdict {
  const now = today.services.map(({ contract }) => contract)
  // Those who ran yesterday may run still.
  const known = [...now, ...committed.contracts]
  const compared = committed.contracts.flatMap((before) =>
    compareContracts(before, now.find(({ service }) => service === before.service) ?? null, known),
  )
  const told = compared.filter(({ breaks }) => breaks.includes('stored'))
  const isTold = ({ service, type, version }: Break): boolean =>
    told.some((each) => each.service === service && each.type === type && each.version === version)
  // A sample that cannot be read for a change that was told already says nothing new.
  const unread = checkSamples(today, committed.samples, known).filter((each) => !isTold(each))
  const { samples } = generated(today, committed)
  return {
    breaks: [...compared, ...unread, ...behind(now)],
    notes: now.flatMap((contract) => missingSamples(contract, samples)),
  }
}

/**
 * What to commit for what is defined today: contracts that keep the shapes of older versions as long as those are read, and
 * the samples there are with those of versions that had none. A sample never changes.
 */
export function generated(today: Contracts, committed: Committed): Committed {
  const contracts = today.services.map(({ contract }) => {
    const before = committed.contracts.find(({ service }) => service === contract.service)
    return {
      ...contract,
      publishes: withOlder(contract.publishes, before?.publishes ?? {}),
      keeps: withOlder(contract.keeps, before?.keeps ?? {}),
    }
  })
  const samples = [...committed.samples.filter((sample) => isReadToday(today.services, sample))]
  for (const example of today.services.flatMap(({ examples }) => examples)) {
    if (!samples.some((sample) => nameOf(sample) === nameOf(example))) samples.push(example)
  }
  return { contracts: inOrder(contracts), samples: samples.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)) }
}

/** The place of a sample among those of all services, which is also its file: `orders/order.placed.v1`. */
export function nameOf({ service, type, version }: Sample): string {
  return `${service}/${type}.v${version}`
}

/** Handlers that do not read what is written today. */
function behind(now: readonly ServiceContract[]): readonly Break[] {
  return now.flatMap((publisher) =>
    Object.entries(publisher.publishes).flatMap(([type, event]) =>
      now.flatMap((consumer): readonly Break[] => {
        const handlers = consumer.handles[type] ?? []
        const unread = Object.keys(event.versions)
          .map(Number)
          .filter((at) => !handlers.some(({ since, version }) => at >= since && at <= version))
        const deaf = handlers.filter(({ topic }) => topic !== event.topic)
        const at = { service: publisher.service, type, field: null, consumers: [consumer.service] }
        if (handlers.length === 0) return []
        return [
          ...unread.map((version): Break => {
            const says = `${publisher.service} writes ${type} ${version}, and no handler of ${consumer.service} reads that version.`
            const todo = `Raise the definition that ${consumer.service} handles it by, and release ${consumer.service} before ${publisher.service}.`
            return { ...at, kind: 'behind', version, breaks: ['consumers'], says, todo }
          }),
          ...deaf.map(({ handler, topic }): Break => {
            const says = `${consumer.service} (${handler}) waits for ${type} in the topic ${topic}, and ${publisher.service} writes it to ${event.topic}.`
            return { ...at, kind: 'moved', version: null, breaks: ['consumers'], says, todo: 'Give both one topic.' }
          }),
        ]
      }),
    ),
  )
}

function missingSamples({ service, publishes, keeps }: ServiceContract, samples: readonly Sample[]): readonly string[] {
  return Object.entries({ ...keeps, ...publishes }).flatMap(([type, { versions }]) =>
    Object.keys(versions)
      .filter((version) => !samples.some((sample) => nameOf(sample) === `${service}/${type}.v${version}`))
      .map(
        (version) =>
          `${service} has no sample of ${type} ${version}: its upcast and its key go unchecked; add one to its examples.`,
      ),
  )
}

function withOlder(
  now: ServiceContract['publishes'],
  before: ServiceContract['publishes'],
): Readonly<Record<string, EventContract>> {
  return Object.fromEntries(
    Object.entries(now).map(([type, event]) => {
      const older = Object.entries(before[type]?.versions ?? {}).filter(([version]) => Number(version) >= event.since)
      const versions = { ...Object.fromEntries(older), ...event.versions }
      return [type, { ...event, versions }]
    }),
  )
}

function isReadToday(services: readonly DefinedContract[], { service, type, version }: Sample): boolean {
  const own = services.find(({ contract }) => contract.service === service)
  return own !== undefined && own.reader(type, version) !== null
}

function inOrder(contracts: readonly ServiceContract[]): readonly ServiceContract[] {
  return contracts.toSorted((a, b) => (a.service < b.service ? -1 : 1))
}
