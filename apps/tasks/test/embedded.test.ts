import { eventsHold } from './events.ts'

eventsHold('the embedded default', { EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' }, false)
