import { cannotBeTakenBack } from './came.ts'
import type { Journal } from './journal.ts'
import type { SagaDefinition } from './saga.ts'

/** Why a person should look at a saga; null when nobody needs to. It goes on trying meanwhile. */
export function attentionOf(
  journal: Journal,
  { attentionAfter }: Pick<SagaDefinition<never>, 'attentionAfter'>,
): string | null {
  for (const { name, state, note, tries } of journal.all()) {
    if (state !== 'undoing' && state !== 'cancelling') continue
    if (note === cannotBeTakenBack) return `the step ${name} cannot be taken back: ${note}`
    if (tries >= attentionAfter) return `nobody answers whether the step ${name} was taken back, asked ${tries} times`
  }
  return null
}
