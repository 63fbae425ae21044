export { type Mutant, mutants } from './simulation/mutants.ts'
export { does, type Participant, type ParticipantOptions } from './simulation/participant.ts'
export {
  type RehearsalNetwork,
  type RehearsalOptions,
  type Rehearsed,
  rehearse,
  rehearseCrashes,
} from './simulation/rehearsal.ts'
export { type SimulationOptions, simulate } from './simulation/simulate.ts'
export type { Entry, Verdict } from './simulation/verdict.ts'
