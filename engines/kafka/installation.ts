import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface KafkaInstallation {
  /** For people: version and where it is from. */
  readonly name: string
  readonly java: string
  /** What java is to be given as class path. */
  readonly classPath: string
}

/** How to get what `kafkaInstallation` did not find. */
export const howToGetKafka = 'sh engines/kafka/install.sh, which needs java 17 or later and mvn'

const version = '4.1.0'

/** Finds the Kafka that install.sh put into this clone, else the one of KAFKA_HOME; null without one or without java. */
export function kafkaInstallation(): KafkaInstallation | null {
  const java = join(process.env['JAVA_HOME'] ?? '', process.env['JAVA_HOME'] === undefined ? 'java' : 'bin/java')
  const own = fileURLToPath(new URL(`../../.estafet/kafka/${version}`, import.meta.url))
  const jars = existsSync(own) ? own : foreignJars(process.env['KAFKA_HOME'])
  if (jars === null || spawnSync(java, ['-version'], { stdio: 'ignore' }).status !== 0) return null
  return { name: `Kafka ${jars === own ? version : 'of KAFKA_HOME'}`, java, classPath: join(jars, '*') }
}

function foreignJars(home: string | undefined): string | null {
  if (home === undefined) return null
  const jars = join(home, 'libs')
  return existsSync(jars) && readdirSync(jars).some((name) => name.startsWith('kafka_')) ? jars : null
}
