import type { JsonObject } from './json-schema.ts'

/**
 * The JSON Schema of the headers of every event, as a relay to Kafka writes them: the attributes of CloudEvents 1.0 in binary
 * mode, each with `ce_` before it.
 *
 * @source https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
 */
export const cloudEventHeaders: JsonObject = {
  type: 'object',
  required: ['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time', 'ce_subject', 'ce_eventversion'],
  properties: {
    ce_specversion: { type: 'string', const: '1.0' },
    ce_id: text('Of the event; the same whenever it is sent'),
    ce_source: text('The service whose log holds it'),
    ce_type: text('Of the event'),
    ce_time: text('When the log took it', { format: 'date-time' }),
    ce_subject: text('The key: events of one key keep their order'),
    ce_partitionkey: text('The key, where brokers look for it'),
    ce_eventversion: text('The version of the data'),
    ce_correlationid: text('Shared by all that follows from one request'),
    ce_causationid: text('The id of the event whose handling published it'),
    ce_traceparent: text('W3C trace context'),
    ce_tracestate: text('W3C trace state'),
    ce_epoch: text('The span in which positions of the log keep their meaning'),
    ce_position: text('Its number in the log'),
    ce_previous: text('The position before it in its partition'),
    ce_headers: text('Headers of its publisher, as JSON'),
  },
}

function text(description: string, more: JsonObject = {}): JsonObject {
  return { type: 'string', description, ...more }
}
