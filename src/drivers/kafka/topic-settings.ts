import { EstafetError } from '../../message/errors.ts'
import type { KafkaCluster, KafkaTopicState } from './cluster.ts'

/**
 * What can lose messages that Kafka said it has, each to be allowed by name:
 * `one-replica`: fewer than two copies, or `min.insync.replicas` below 2, so that one lost disk is enough;
 * `unclean-election`: a broker that lacks messages may become the leader;
 * `compaction`: of messages with one key only the last is kept;
 * `unchecked`: we may not read the topic's settings.
 */
export type KafkaRisk = 'one-replica' | 'unclean-election' | 'compaction' | 'unchecked'

/** What a topic's settings mean for a sender; Kafka's default where we may not read them. */
export interface TopicLimits {
  readonly maxBatchBytes: number
}

/** What Kafka takes in one batch unless told otherwise. */
const defaultMaxBytes = 1_048_588

/**
 * Refuses a topic whose settings can lose messages, unless that was allowed: MISCONFIGURED with all there is to say.
 * Throws UNAVAILABLE when they cannot be read now.
 */
export async function checkTopic(
  cluster: KafkaCluster,
  topic: string,
  state: KafkaTopicState,
  allowed: readonly KafkaRisk[],
): Promise<TopicLimits> {
  const settings = await cluster.settings(topic)
  const faults = (settings === null ? unchecked : faultsOf(settings, state)).filter(
    ({ risk }) => !allowed.includes(risk),
  )
  if (faults.length > 0) {
    const says = faults.map(({ says, risk }) => `${says} (allow: '${risk}')`).join('; ')
    throw new EstafetError('MISCONFIGURED', `The topic ${topic} can lose messages: ${says}.`, {
      details: { topic, risks: faults.map(({ risk }) => risk) },
    })
  }
  return { maxBatchBytes: Number(settings?.get('max.message.bytes') ?? defaultMaxBytes) }
}

interface Fault {
  readonly risk: KafkaRisk
  readonly says: string
}

const unchecked: readonly Fault[] = [{ risk: 'unchecked', says: 'its settings may not be read; grant DescribeConfigs' }]

function faultsOf(settings: ReadonlyMap<string, string>, { replicas }: KafkaTopicState): readonly Fault[] {
  const faults: Fault[] = []
  const inSync = Number(settings.get('min.insync.replicas') ?? 1)
  if (replicas < 2 || inSync < 2) {
    faults.push({ risk: 'one-replica', says: `${replicas} replicas with min.insync.replicas=${inSync}, not 3 with 2` })
  }
  if (settings.get('unclean.leader.election.enable') === 'true') {
    faults.push({ risk: 'unclean-election', says: 'unclean.leader.election.enable=true' })
  }
  const cleanup = settings.get('cleanup.policy') ?? 'delete'
  if (cleanup.split(',').includes('compact')) faults.push({ risk: 'compaction', says: `cleanup.policy=${cleanup}` })
  return faults
}
