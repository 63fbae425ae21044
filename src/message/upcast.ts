import { EstafetError } from './errors.ts'

/** A pure function from the data of one version to that of the next; its parameter may have the old shape's type. */
export type Upcast = { upcast(data: unknown): unknown }['upcast']

/** By version: what makes data of it data of the next. Never changes what is stored. */
export type Upcasts = Readonly<Record<number, Upcast>>

/** The versions that a definition reads, and how older ones become its own. */
export interface Versions {
  /** What it writes. */
  readonly version: number
  /** The oldest that it reads. */
  readonly since: number
  readonly upcasts: Upcasts
}

/** What is wrong with a chain of upcasts: sentences, none when it leads from the oldest version to the newest. */
export function upcastFaults({ version, since, upcasts }: Versions): readonly string[] {
  const faults: string[] = []
  if (!Number.isSafeInteger(since) || since < 1 || since > version) {
    return [`since ${since} must be a whole number from 1 to the version, ${version}`]
  }
  for (let from = since; from < version; from++) {
    if (upcasts[from] === undefined) {
      faults.push(
        `the upcast from version ${from} to ${from + 1} is missing; if version ${from} was never stored, say since: ${from + 1}`,
      )
    }
  }
  for (const from of Object.keys(upcasts).map(Number)) {
    if (from >= version)
      faults.push(`the upcast from version ${from} leads beyond version ${version}, which is the last`)
    else if (from < since)
      faults.push(`the upcast from version ${from} is never used: the oldest version read is ${since}`)
  }
  return faults
}

/** Data of an older version as that of the newest. Throws UNDECODABLE for a version out of reach, and when an upcast throws. */
export function upcastData(type: string, { version, since, upcasts }: Versions, from: number, data: unknown): unknown {
  if (from === version) return data
  if (from > version || from < since) throw outOfReach(type, from, { version, since })
  let current = data
  for (let at = from; at < version; at++) {
    try {
      current = upcasts[at]?.(current)
    } catch (cause) {
      // What it threw may quote the data.
      const details = { type, version: at, error: cause instanceof Error ? cause.name : typeof cause }
      throw new EstafetError('UNDECODABLE', `The upcast of ${type} from version ${at} to ${at + 1} failed.`, {
        details,
      })
    }
  }
  return current
}

function outOfReach(type: string, from: number, { version, since }: Pick<Versions, 'version' | 'since'>): EstafetError {
  const more = { details: { type, version: from } }
  return from > version
    ? new EstafetError(
        'UNDECODABLE',
        `${type} is of version ${from}, and this program knows it up to ${version}: deploy the newer one, then try again.`,
        more,
      )
    : new EstafetError(
        'UNDECODABLE',
        `${type} is of version ${from}, and this program reads it from ${since} on.`,
        more,
      )
}
