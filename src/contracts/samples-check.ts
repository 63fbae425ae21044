import { isEstafetError } from '../message/errors.ts'
import type { Break } from './break.ts'
import { consumersOf } from './compare.ts'
import type { DescribedHandler, ServiceContract } from './contract.ts'
import type { Contracts, DefinedContract } from './contracts.ts'
import { messageOf, type Sample } from './sample.ts'

/**
 * Runs what is defined today over samples: each must be read by its own service, with the key under which it was
 * published, and by every handler that would get it.
 */
export function checkSamples(
  { services }: Contracts,
  samples: readonly Sample[],
  known: readonly ServiceContract[],
): readonly Break[] {
  return samples.flatMap((sample) => {
    const own = services.find(({ contract }) => contract.service === sample.service)
    const event = own?.contract.publishes[sample.type] ?? own?.contract.keeps[sample.type]
    // That it is gone, or reads other versions, was said of the contract.
    if (own === undefined || event === undefined) return []
    if (sample.version < event.since || sample.version > event.version) return []
    const consumers = event.topic === null ? [] : consumersOf(sample.type, sample.service, known)
    const mine = ownBreaks(own, sample, consumers)
    if (mine.length > 0 || event.topic === null) return mine
    const message = messageOf(sample, event.topic)
    return services.flatMap(({ contract, handlers }) =>
      takersOf(handlers, sample).flatMap((handler) => {
        const fault = faultOf(() => handler.check(message))
        return fault === null ? [] : [unreadBy(contract.service, handler, sample, fault)]
      }),
    )
  })
}

function ownBreaks(own: DefinedContract, sample: Sample, consumers: readonly string[]): readonly Break[] {
  const { service, type, version } = sample
  const at = { service, type, version, field: null, consumers }
  const read = own.reader(type, version)
  if (read === null) {
    const says = `${type} ${version} is read by no definition of ${service}.`
    const todo = `Give one of its definitions the version ${version}, or the upcast from it.`
    return [{ ...at, kind: 'unreadable', breaks: ['stored'], says, todo }]
  }
  let key: string | null = null
  const fault = faultOf(() => {
    key = read(sample)
  })
  if (fault !== null) {
    const says = `The sample of ${type} ${version} cannot be read by ${service} any more: ${fault}`
    const todo = 'Correct the upcast or the schema until it can: events like it are stored.'
    return [{ ...at, kind: 'unreadable', breaks: ['stored'], says, todo }]
  }
  if (key === sample.key) return []
  const says = `${type} ${version} has another key than before: the order of events of one key ends where it changes.`
  const todo = 'Set the key back. For another key define a new event type.'
  return [{ ...at, kind: 'rekeyed', breaks: ['consumers'], says, todo }]
}

/** The handlers that get a sample when it comes: those of its version; when there are none, all, to say that they cannot. */
function takersOf(handlers: readonly DescribedHandler[], { type, version }: Sample): readonly DescribedHandler[] {
  const all = handlers.filter((handler) => handler.type === type)
  const takers = all.filter(({ takes }) => takes(version))
  return takers.length === 0 ? all : takers
}

function unreadBy(
  consumer: string,
  handler: DescribedHandler,
  { service, type, version }: Sample,
  fault: string,
): Break {
  const name = handler.name === type ? 'its handler' : `its handler ${handler.name}`
  return {
    ...{ kind: 'unreadable', service, type, version, field: null, breaks: ['consumers'], consumers: [consumer] },
    says: `The sample of ${type} ${version} of ${service} cannot be read by ${consumer} (${name}): ${fault}`,
    todo: `Give the definition that ${consumer} handles it by the version ${version}, or the upcast from it, and release it first.`,
  }
}

/** What is wrong, without anything of the data. */
function faultOf(work: () => void): string | null {
  try {
    work()
    return null
  } catch (error) {
    if (isEstafetError(error)) return error.message
    return `${error instanceof Error ? error.name : typeof error} was thrown.`
  }
}
