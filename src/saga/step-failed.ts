/** Local work that threw, with what is known of its step: it is no answer, and the turn is thrown away. */
export class StepFailed extends Error {
  readonly step: string
  readonly hasUndo: boolean
  readonly isPivot: boolean
  constructor(step: string, hasUndo: boolean, isPivot: boolean, cause: unknown) {
    super('The work of a step failed.', { cause })
    this.name = 'StepFailed'
    this.step = step
    this.hasUndo = hasUndo
    this.isPivot = isPivot
  }
}
