import type { FlowStatus } from '../ports/flows.ts'

export const flowStatuses = ['unbegun', 'waiting', 'ended'] as const satisfies readonly FlowStatus[]
