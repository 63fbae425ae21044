import { placedDifferences } from '../message/difference.ts'

/** One field that differs. What is not there on one side is undefined, which JSON leaves out. */
export interface Difference {
  /** Such as `lines.0.price`; `(root)` for the whole. */
  readonly field: string
  readonly before: unknown
  readonly after: unknown
}

/** Fields in which two pieces of data differ, each as deep as can be said. */
export function differences(before: unknown, after: unknown): readonly Difference[] {
  return placedDifferences(before, after).map(({ path, ...values }) => ({
    field: path.length === 0 ? '(root)' : path.join('.'),
    ...values,
  }))
}
