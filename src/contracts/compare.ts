import type { Break, BreakKind } from './break.ts'
import type { EventContract, ServiceContract } from './contract.ts'
import { fieldBreaks } from './fields.ts'
import { isObject, type JsonObject, schemaOf } from './json-schema.ts'
import { type Shape, shapeOfText } from './shape.ts'

/** The services that handle a type, by any of the contracts, without the one that publishes it. */
export function consumersOf(type: string, publisher: string, known: readonly ServiceContract[]): readonly string[] {
  const found = known.filter(({ service, handles }) => service !== publisher && Object.hasOwn(handles, type))
  return [...new Set(found.map(({ service }) => service))].toSorted()
}

/**
 * What breaks between two contracts of a service, by their words alone. `known` are the contracts of all services, then and
 * now, and name who consumes.
 */
export function compareContracts(
  before: ServiceContract,
  now: ServiceContract | null,
  known: readonly ServiceContract[],
): readonly Break[] {
  const kinds = ['publishes', 'keeps'] as const
  return kinds.flatMap((kind) =>
    Object.entries(before[kind]).flatMap(([type, event]) => {
      const consumers = kind === 'publishes' ? consumersOf(type, before.service, known) : []
      const scene: Scene = { service: before.service, type, consumers, isPrivate: kind === 'keeps' }
      const today = now?.[kind][type]
      return today === undefined ? [removed(scene, now === null)] : compareEvent(scene, event, today)
    }),
  )
}

interface Scene extends Pick<Break, 'service' | 'type' | 'consumers'> {
  readonly isPrivate: boolean
}

function compareEvent(scene: Scene, before: EventContract, now: EventContract): readonly Break[] {
  return [...moved(scene, before, now), ...versions(scene, before, now), ...shapes(scene, before, now)]
}

function removed(scene: Scene, isService: boolean): Break {
  const what = isService ? `the service ${scene.service} is gone, and with it ${scene.type}` : `${scene.type} is gone`
  const todo = scene.isPrivate
    ? 'Keep its definition: the streams that have it cannot be loaded without.'
    : 'Keep its definition while anybody handles it, or its log still holds some; publish a new event type beside it.'
  return made(scene, 'removed', { says: `${what}.`, todo, breaks: ['stored', 'consumers'] })
}

function moved(scene: Scene, before: EventContract, now: EventContract): readonly Break[] {
  if (before.topic === now.topic) return []
  const says = `${scene.type} went from the topic ${before.topic} to ${now.topic}: who reads the old one hears no more of it.`
  const todo = `Set topic: '${before.topic}' again. For another topic define a new event type, and publish both for a while.`
  return [made(scene, 'moved', { says, todo, breaks: ['consumers'] })]
}

function versions(scene: Scene, before: EventContract, now: EventContract): readonly Break[] {
  if (now.version < before.version) {
    const says = `${scene.type} went back from version ${before.version} to ${now.version}: what is stored as ${before.version} cannot be read.`
    const todo = `Make the shape you want version ${before.version + 1}, with an upcast from ${before.version}: versions only grow.`
    return [made(scene, 'lowered', { says, todo, version: before.version, breaks: ['stored', 'consumers'] })]
  }
  return Object.keys(before.versions)
    .map(Number)
    .filter((version) => version < now.since)
    .map((version) => {
      const says = `${scene.type} is read from version ${now.since} on: what is stored as version ${version} cannot be read.`
      const todo = `Set since: ${before.since} and give the upcast from ${version}. Once no log or stream holds version ${version}, accept it.`
      return made(scene, 'dropped', { says, todo, version, breaks: ['stored'] })
    })
}

/** A version says one thing for good: what changes needs another number. */
function shapes(scene: Scene, before: EventContract, now: EventContract): readonly Break[] {
  return Object.entries(before.versions).flatMap(([number, old]) => {
    const today = now.versions[number]
    if (today === undefined) return []
    const version = Number(number)
    return fieldBreaks(shape(old), shape(today))
      .filter(({ breaks }) => !scene.isPrivate || breaks.includes('stored'))
      .map(({ kind, field, breaks, says }) =>
        made(scene, kind, {
          ...{ version, field, breaks: scene.isPrivate ? (['stored'] as const) : breaks },
          says: `${scene.type} ${version}: ${field === '(root)' ? 'the whole' : field} ${says}.`,
          todo: howToChange(kind, field, now.version),
        }),
      )
  })
}

function howToChange(kind: BreakKind, field: string, version: number): string {
  const next = `Set it back, and make the change version ${version + 1} with upcast: { ${version}: (data) => ... }`
  if (kind === 'required') return `Make ${field} optional or give it a default. Or: ${lower(next)}.`
  if (kind === 'missing') return `Go on writing ${field}. Or: ${lower(next)}.`
  if (kind === 'renamed') return `Write both names for a while. Or: ${lower(next)}.`
  return `${next}; when it means something else, define a new event type.`
}

function lower(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

function shape(text: JsonObject): Shape {
  const { schema, reads } = text
  return shapeOfText({ schema: schemaOf(schema), ...(isObject(reads) ? { reads } : {}) })
}

function made(
  { service, type, consumers }: Scene,
  kind: BreakKind,
  more: Pick<Break, 'says' | 'todo' | 'breaks'> & Partial<Break>,
): Break {
  return { kind, service, type, consumers, version: null, field: null, ...more }
}
