import type { Break, BreakKind } from './break.ts'
import { isObject, isSame, type JsonObject, type JsonSchema, namedSchemas, schemasOf } from './json-schema.ts'
import { type Refusal, refusals } from './refused.ts'
import type { Shape } from './shape.ts'

/** A change of a field that breaks somebody. */
export interface FieldBreak {
  readonly kind: BreakKind
  readonly field: string
  readonly breaks: Break['breaks']
  /** What happened to it, after its name. */
  readonly says: string
}

/**
 * What changed between two shapes of one version so that it breaks somebody: today's readers on what was written before
 * (stored), or readers of before on what is written today (consumers).
 */
export function fieldBreaks(before: Shape, now: Shape): readonly FieldBreak[] {
  const stored = refusals(before.writes, now.reads)
  const consumers = refusals(now.writes, before.reads)
  const found = [...new Set([...stored, ...consumers].map(({ field }) => field))].map((field) =>
    judged(field, of(stored, field), of(consumers, field)),
  )
  return withRenames(found, before, now)
}

function of(refused: readonly Refusal[], field: string): Refusal['kind'] | null {
  return refused.find((each) => each.field === field)?.kind ?? null
}

function judged(field: string, stored: Refusal['kind'] | null, consumers: Refusal['kind'] | null): FieldBreak {
  const breaks: Break['breaks'] = [
    ...(stored === null ? [] : (['stored'] as const)),
    ...(consumers === null ? [] : (['consumers'] as const)),
  ]
  const made = (kind: BreakKind, says: string): FieldBreak => ({ kind, field, breaks, says })
  if (stored === 'absent') return made('required', 'is required now, and events that are stored may lack it')
  if (consumers === 'absent') return made('missing', 'was always there, and is gone or may be missing now')
  if (stored === 'undeclared') return made('narrowed', 'is refused now, and events that are stored have it')
  if (consumers === 'undeclared')
    return made('widened', 'is new, and readers of before refuse fields that they do not know')
  if (stored === null) return made('widened', 'may hold what readers of before refuse')
  if (consumers === null) return made('narrowed', 'accepts less than before, and events that are stored may hold more')
  return made('changed', 'is of another shape than before')
}

/** One field that went and one of the same shape that came, in one place, are one change. */
function withRenames(found: readonly FieldBreak[], before: Shape, now: Shape): readonly FieldBreak[] {
  const gone = found.filter(({ kind }) => kind === 'missing')
  const come = found.filter(({ kind }) => kind === 'required')
  const [from, to] = [gone[0], come[0]]
  if (gone.length !== 1 || come.length !== 1 || from === undefined || to === undefined) return found
  const [old, renamed] = [at(before.writes, from.field), at(now.writes, to.field)]
  const isMove = parent(from.field) === parent(to.field) && old !== null && renamed !== null && isSame(old, renamed)
  if (!isMove || at(now.writes, from.field) !== null) return found
  const says = `seems to be called ${to.field} now; events that are stored have the old name, and readers of before want it`
  const one: FieldBreak = { kind: 'renamed', field: from.field, breaks: ['stored', 'consumers'], says }
  return [one, ...found.filter((each) => each !== from && each !== to)]
}

function parent(field: string): string {
  return field.slice(0, Math.max(0, field.lastIndexOf('.')))
}

/** The schema of a field that is named step by step; null where there is none, or the way to it is not plain. */
function at(schema: JsonSchema, field: string): JsonSchema | null {
  const [name = '', ...rest] = field.split('.')
  for (const choice of choicesOf(schema)) {
    const items = name === '*' && isObject(choice['items']) ? choice['items'] : null
    const next = items ?? namedSchemas(choice['properties'])[name] ?? null
    const found = next === null || rest.length === 0 ? next : at(next, rest.join('.'))
    if (found !== null) return found
  }
  return null
}

/** A schema, or the alternatives that it is made of. */
function choicesOf(schema: JsonSchema): readonly JsonObject[] {
  if (!isObject(schema)) return []
  return [schema, ...[...schemasOf(schema['anyOf']), ...schemasOf(schema['oneOf'])].flatMap(choicesOf)]
}
