import { allHold } from './on-broker.ts'

allHold('the embedded default', { EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' }, { skip: false })
