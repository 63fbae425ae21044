import type { Metrics } from './metrics.ts'

interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly values: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number | null }[]
}

/** The metrics in the text form of Prometheus, version 0.0.4. What cannot be told now is left out. */
export function prometheusText({ services, alerts }: Metrics): string {
  const each = (value: (service: Metrics['services'][number]) => number): Metric['values'] =>
    services.map((of) => ({ labels: { service: of.service }, value: value(of) }))
  const lags = (value: (lag: Metrics['services'][number]['lag'][number]) => number | null): Metric['values'] =>
    services.flatMap(({ service, lag }) =>
      lag.map((of) => ({ labels: { service, topic: of.topic }, value: value(of) })),
    )
  const metrics: readonly Metric[] = [
    gauge(
      'service_ready',
      'Whether everything of a service works.',
      each(({ ready }) => Number(ready)),
    ),
    {
      ...gauge(
        'processed_total',
        'Events that took effect since the process began.',
        each((of) => of.processed),
      ),
      kind: 'counter',
    },
    gauge(
      'processed_per_second',
      'The same, by the second, of the last minute.',
      each((of) => of.processed_per_second),
    ),
    {
      ...gauge(
        'failed_attempts_total',
        'Attempts at parked events that failed.',
        each((of) => of.failed_attempts),
      ),
      kind: 'counter',
    },
    gauge(
      'lag_messages',
      'Events of a topic that a service has not taken yet.',
      lags(({ messages }) => messages),
    ),
    gauge(
      'lag_seconds',
      'Age of the oldest of them.',
      lags(({ seconds }) => seconds),
    ),
    gauge(
      'unsent_messages',
      'Events of a log that the broker does not have yet.',
      services.flatMap(({ service, unsent }) =>
        Object.entries(unsent).map(([sink, value]) => ({ labels: { service, sink }, value })),
      ),
    ),
    gauge(
      'dead_letters',
      'Dead letters.',
      each((of) => of.dead_letters),
    ),
    gauge(
      'dead_letters_growth',
      'By how many they grew within the window.',
      each((of) => of.dead_letters_growth),
    ),
    gauge(
      'dead_letters_growing',
      'Whether that is an alert.',
      each(({ service }) => Number(alerts.some((alert) => alert.service === service))),
    ),
  ]
  return `${metrics.flatMap(linesOf).join('\n')}\n`
}

function gauge(name: string, help: string, values: Metric['values']): Metric {
  return { name, kind: 'gauge', help, values }
}

function linesOf({ name, kind, help, values }: Metric): readonly string[] {
  const full = `team_tasks_${name}`
  const lines = values.flatMap(({ labels, value }) => {
    if (value === null) return []
    const text = Object.entries(labels).map(([label, said]) => `${label}="${said}"`)
    return [`${full}{${text.join(',')}} ${value}`]
  })
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${kind}`, ...lines]
}
