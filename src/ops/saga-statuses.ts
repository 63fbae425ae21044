import type { SagaStatus } from '../ports/sagas.ts'

export const sagaStatuses = [
  'running',
  'compensating',
  'completed',
  'compensated',
] as const satisfies readonly SagaStatus[]
