import { isSealed, maySeal } from '../message/personal.ts'
import type { StreamName } from '../ports/event-store.ts'
import type { Vault } from '../ports/vault.ts'

/** A state sealed for more people than this is not kept: each of them is one more layer. */
const mostSubjects = 3

/** What a sealed state is bound to: it opens as a snapshot of this stream and fold, and as nothing else. */
export function statePlace(stream: StreamName, fold: string): string {
  return JSON.stringify(['(snapshot)', stream.type, stream.id, fold])
}

/**
 * A state's text sealed for everybody of whom something is in it, one around the other: erased with the first of them. Null
 * when it cannot be kept: for too many people, or for one who was erased since.
 */
export async function sealedState(
  vault: Vault | null,
  place: string,
  text: string,
  subjects: ReadonlySet<string>,
): Promise<string | null> {
  if (subjects.size > mostSubjects || (subjects.size > 0 && vault === null)) return null
  let layered = text
  for (const subject of subjects) {
    const [$sealed] = (await vault?.seal([{ subject, place, text: layered }])) ?? []
    if ($sealed == null) return null
    layered = JSON.stringify({ $sealed, subject })
  }
  return layered
}

/** The text of a state, and for whom it was sealed; null when it does not open: then the events are to be folded. */
export async function openedState(
  vault: Vault | null,
  place: string,
  text: string,
): Promise<{ readonly text: string; readonly subjects: ReadonlySet<string> } | null> {
  const subjects = new Set<string>()
  let layer = text
  while (maySeal(layer)) {
    const value: unknown = JSON.parse(layer)
    if (!isSealed(value)) break
    const { $sealed: sealed, subject } = value
    const [found] = (await vault?.open([{ subject, place, sealed }])) ?? []
    if (found?.kind !== 'opened') return null
    subjects.add(subject)
    layer = found.text
  }
  return { text: layer, subjects }
}
