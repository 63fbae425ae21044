import { EstafetError } from '../../message/errors.ts'

/**
 * The names that Kafka's protocol gives to what went wrong, such as NOT_LEADER_OR_FOLLOWER: of the error itself and of all
 * that it holds. Empty for trouble with a connection.
 */
export function kafkaCodes(error: unknown): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 8) return
    if ('apiId' in value && typeof value.apiId === 'string') found.add(value.apiId)
    if ('code' in value && value.code === 'PLT_KFK_AUTHENTICATION') found.add('SASL_AUTHENTICATION_FAILED')
    if ('errors' in value && Array.isArray(value.errors)) for (const inner of value.errors) visit(inner, depth + 1)
    if ('cause' in value) visit(value.cause, depth + 1)
  }
  visit(error, 0)
  return found
}

const refused = [
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_TOPIC',
  'INVALID_CONFIG',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
]

/**
 * What the client threw, as an error of ours: MISCONFIGURED for what the cluster refuses us, TOO_LARGE, else UNAVAILABLE.
 * Decided by the protocol's names, never by a message's text.
 */
export function translated(error: unknown, doing: string, topic: string): EstafetError {
  if (error instanceof EstafetError) return error
  const codes = kafkaCodes(error)
  const named = codes.size === 0 ? 'the broker did not answer' : [...codes].join(', ')
  const more = { cause: error, details: { topic, kafka: [...codes] } }
  if (refused.some((code) => codes.has(code))) {
    return new EstafetError('MISCONFIGURED', `Kafka refused to let us ${doing} the topic ${topic}: ${named}.`, more)
  }
  if (codes.has('MESSAGE_TOO_LARGE') || codes.has('RECORD_LIST_TOO_LARGE')) {
    return new EstafetError('TOO_LARGE', `A message exceeds max.message.bytes of the topic ${topic}.`, more)
  }
  return new EstafetError('UNAVAILABLE', `Kafka cannot ${doing} the topic ${topic} now: ${named}.`, more)
}
