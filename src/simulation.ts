export { type Mutant, mutants } from './simulation/mutants.ts'
export { type SimulationOptions, simulate } from './simulation/simulate.ts'
export type { Entry, Verdict } from './simulation/verdict.ts'
