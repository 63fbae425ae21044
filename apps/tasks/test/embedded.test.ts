import { allHold } from './on-broker.ts'

allHold('the embedded default', {
  skip: false,
  environment: () => ({ EVENTS_BROKER: 'postgres', ANALYTICS_BROKER: 'postgres' }),
})
