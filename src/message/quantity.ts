import { EstafetError } from './errors.ts'

/** So much of something limited, in whole units: rooms of a night, pieces of a product, cents of an account. */
export interface Quantity {
  /** One to 512 characters. */
  readonly resource: string
  /** A whole number above 0, up to 2^53 - 1. */
  readonly quantity: number
}

export interface WantedQuantity extends Quantity {
  /** How much of the resource there is in all, as far as who asks knows: what is taken, by anybody, included. */
  readonly capacity: number
}

/**
 * What an owner wants, one entry for each resource: quantities of the same one add up, and the least capacity counts. Throws
 * MISCONFIGURED, with all faults at once, for what cannot be counted.
 */
export function addedUp(owner: string, wanted: readonly WantedQuantity[]): readonly WantedQuantity[] {
  const sums = new Map<string, WantedQuantity>()
  for (const { resource, quantity, capacity } of wanted) {
    const before = sums.get(resource)
    sums.set(resource, {
      resource,
      quantity: quantity + (before?.quantity ?? 0),
      capacity: Math.min(capacity, before?.capacity ?? capacity),
    })
  }
  refuseFaults(owner, wanted, [...sums.values()])
  return [...sums.values()]
}

/** Tells whether two lists are the same quantities of the same resources, each named once, in any order. */
export function isSameQuantity(a: readonly Quantity[], b: readonly Quantity[]): boolean {
  const all = new Map(a.map(({ resource, quantity }) => [resource, quantity]))
  return a.length === b.length && b.every(({ resource, quantity }) => all.get(resource) === quantity)
}

/** The error of an owner that asks for something else than it holds. */
export function otherQuantity(owner: string): EstafetError {
  return new EstafetError(
    'MISCONFIGURED',
    `${JSON.stringify(owner)} holds other quantities than it asks for now: give each reservation an owner of its own.`,
  )
}

function refuseFaults(owner: string, wanted: readonly WantedQuantity[], sums: readonly WantedQuantity[]): void {
  const faults = new Set<string>()
  if (!isName(owner)) faults.add('an owner is text of 1 to 512 well-formed characters')
  if (wanted.length === 0) faults.add('nothing is wanted')
  for (const { resource } of wanted)
    if (!isName(resource)) faults.add('a resource is text of 1 to 512 well-formed characters')
  for (const { quantity } of [...wanted, ...sums]) {
    if (!Number.isSafeInteger(quantity) || quantity <= 0) faults.add('a quantity is a whole number from 1 to 2^53 - 1')
  }
  for (const { capacity } of wanted) {
    if (!Number.isSafeInteger(capacity) || capacity < 0) faults.add('a capacity is a whole number from 0 to 2^53 - 1')
  }
  if (faults.size > 0) throw new EstafetError('MISCONFIGURED', `This cannot be reserved: ${[...faults].join('; ')}.`)
}

function isName(text: string): boolean {
  return text.length > 0 && text.length <= 512 && !text.includes('\u0000') && text.isWellFormed()
}
