import type { BuildRef } from '../ports/projections.ts'
import type { Asker } from '../runtime/projection-people.ts'
import type { Call, RouteHandler } from './call.ts'
import { Refusal } from './refusal.ts'

export const projections: RouteHandler = async ({ projections: shown }) => ({
  items: (await shown?.list()) ?? [],
  next: null,
})

export const pauseProjection: RouteHandler = (call) => pause(call, true)
export const resumeProjection: RouteHandler = (call) => pause(call, false)

async function pause(call: Call, isPaused: boolean): Promise<object> {
  const { shown, projection } = await knownOf(call)
  const isChanged = await (isPaused ? shown.pause : shown.resume)(projection, askerOf(call))
  return { projection, isPaused, isChanged }
}

export const rebuildProjection: RouteHandler = async (call) => {
  const { shown, projection } = await knownOf(call)
  const wanted = await shown.rebuild(projection, askerOf(call))
  if (wanted !== null) return { projection, ...wanted }
  throw new Refusal(
    'CHANGED',
    'A build is on its way already, or none that could be built beside serves; nothing was done.',
  )
}

export const verifyProjection: RouteHandler = async (call) => {
  const { shown, projection } = await knownOf(call)
  const verification = await shown.verify(projection)
  if (verification !== null) return { projection, ...verification }
  throw new Refusal(
    'NOT_FOUND',
    'The definition of this projection was not given to the ops API, so it cannot be folded again.',
  )
}

export const promoteProjection: RouteHandler = async (call) => {
  const { shown, projection } = await knownOf(call)
  const of = buildOf(call)
  const outcome = await shown.promote(projection, of, { ...askerOf(call), force: call.params.flag('force') })
  if (outcome === 'missing') throw new Refusal('NOT_FOUND', 'There is no such build that could serve.')
  return { projection, ...of, outcome }
}

export const dropProjection: RouteHandler = async (call) => {
  const { shown, projection } = await knownOf(call)
  const of = buildOf(call)
  if (await shown.drop(projection, of, askerOf(call))) return { projection, ...of }
  throw new Refusal('NOT_FOUND', 'There is no such build, or it serves; nothing was dropped.')
}

async function knownOf({ projections: shown, params }: Call) {
  const projection = params.text('projection') ?? ''
  const isKnown = (await shown?.list())?.some((one) => one.projection === projection) ?? false
  if (shown === null || !isKnown) throw new Refusal('NOT_FOUND', 'The service has no such projection.')
  return { shown, projection }
}

function buildOf({ params }: Call): BuildRef {
  return { version: params.count('version') ?? 0, build: params.count('build') ?? 1 }
}

function askerOf({ caller, params }: Call): Asker {
  const reason = params.text('reason')
  return reason === null ? { who: caller.name } : { who: caller.name, reason }
}
