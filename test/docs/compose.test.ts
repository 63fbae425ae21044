import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import * as z from 'zod'
import { settingsOf as gamesSettings } from '../../apps/games/system/settings.ts'
import { settingsOf as tasksSettings } from '../../apps/tasks/system/settings.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = readFileSync(`${root}compose.yaml`, 'utf8')
const guide = readFileSync(`${root}docs/guides/compose.md`, 'utf8')

// Strict, so that a word which Compose does not know, or that we do not mean to use, is a fault.
const duration = z.string().regex(/^\d+(ms|s|m)$/)
const service = z.strictObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()),
  ports: z.array(z.string()).min(1),
  volumes: z.array(z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).optional(),
  healthcheck: z.strictObject({
    test: z.tuple([z.enum(['CMD', 'CMD-SHELL']), z.string()], z.string()),
    ...{ interval: duration, timeout: duration, retries: z.number().int().min(1), start_period: duration.optional() },
  }),
})
const composeFile = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9_-]*$/),
  services: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), service),
  volumes: z.record(z.string(), z.null()),
})

/** The file with its variables filled in as Docker does it; `$$` is a dollar sign. */
function composed(environment: Readonly<Record<string, string>> = {}) {
  const filled = source.replaceAll(/\$(?:\$|\{([A-Z_]+):-([^}]*)\})/g, (whole, name?: string, otherwise = '') =>
    name === undefined ? whole : (environment[name] ?? otherwise),
  )
  assert.doesNotMatch(filled.replaceAll('$$', ''), /\$/, 'a variable without a value to fall back on')
  return composeFile.parse(parse(filled))
}

const services = Object.entries(composed().services)

test('compose.yaml has the engines that the guide names, and nothing in it is unknown', () => {
  assert.deepEqual(
    services.map(([name]) => name),
    ['postgres', 'kafka', 'redis', 'kafka-ui'],
  )
})

test('every image is pinned by an exact tag and its digest', () => {
  for (const [name, { image }] of services) {
    assert.match(image, /^[a-z0-9./-]+:v?\d+(\.\d+)+@sha256:[0-9a-f]{64}$/, name)
  }
  const versions = services.map(([name, { image }]) => `${name} ${image.replace(/^.*:v?(\d+\.\d+).*@.*$/, '$1')}`)
  assert.deepEqual(versions.slice(0, 3), ['postgres 18.4', 'kafka 4.1', 'redis 7.2'])
})

test('every port is bound to the loopback address alone, and no two are the same', () => {
  const ports = services.flatMap(([, { ports }]) => ports)
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/)
  assert.equal(new Set(ports.map((port) => port.split(':')[1])).size, ports.length)
})

test('who depends on another waits until a service that is there is healthy', () => {
  const names = services.map(([name]) => name)
  const unknown = services.flatMap(([, { depends_on = {} }]) =>
    Object.keys(depends_on).filter((on) => !names.includes(on)),
  )
  assert.deepEqual(unknown, [])
})

test('data is on volumes that are named, each for one service', () => {
  const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''))
  assert.deepEqual(used.toSorted(), Object.keys(composed().volumes).toSorted())
  assert.equal(new Set(used).size, used.length)
})

test('passwords come from the environment, and the one to fall back on is the documented one', () => {
  const secrets = [...source.matchAll(/\$\{([A-Z_]*PASSWORD):-([^}]*)\}/g)].map(([, name, otherwise]) => [
    name,
    otherwise,
  ])
  assert.deepEqual([...new Set(secrets.map(([name]) => name))].toSorted(), ['POSTGRES_PASSWORD', 'REDIS_PASSWORD'])
  for (const [name, otherwise] of secrets) assert.ok(guide.includes(`| \`${name}\` | \`${otherwise}\` |`), name)
  const given = { POSTGRES_PASSWORD: 'one', REDIS_PASSWORD: 'two' }
  assert.doesNotMatch(JSON.stringify(composed(given)), /development-only/)
})

test('a port that is moved is moved wherever it is told', () => {
  const { kafka, postgres } = composed({ KAFKA_PORT: '19092', POSTGRES_PORT: '15432' }).services
  assert.deepEqual([kafka?.ports, postgres?.ports], [['127.0.0.1:19092:9092'], ['127.0.0.1:15432:5432']])
  assert.match(kafka?.environment['KAFKA_ADVERTISED_LISTENERS'] ?? '', /HOST:\/\/127\.0\.0\.1:19092,/)
})

test('Redis keeps what it took, as the toolkit demands', () => {
  const words = composed().services['redis']?.command ?? []
  const setting = (name: string): string | undefined => words[words.indexOf(`--${name}`) + 1]
  assert.deepEqual([setting('appendonly'), setting('maxmemory-policy')], ['yes', 'noeviction'])
})

test('the variables of the guide lead the applications to these engines', () => {
  const exported = [...guide.matchAll(/^export ([A-Z_]+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value])
  const environment: Record<string, string> = Object.fromEntries(exported)
  assert.deepEqual(Object.keys(environment), ['POSTGRES_URL', 'KAFKA_BROKERS', 'KAFKA_REPLICAS', 'REDIS_URL'])
  for (const settings of [gamesSettings(environment), tasksSettings(environment)]) {
    assert.equal(settings.POSTGRES_URL, environment['POSTGRES_URL'])
    assert.deepEqual([settings.KAFKA_BROKERS, settings.KAFKA_REPLICAS], [['127.0.0.1:9092'], 1])
  }
  assert.equal(tasksSettings(environment).REDIS_URL, environment['REDIS_URL'])
  const { postgres, kafka, redis } = composed().services
  const url = new URL(environment['POSTGRES_URL'] ?? '')
  const { POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB } = postgres?.environment ?? {}
  assert.deepEqual([url.username, url.password, url.pathname], [POSTGRES_USER, POSTGRES_PASSWORD, `/${POSTGRES_DB}`])
  assert.equal(new URL(environment['REDIS_URL'] ?? '').password, redis?.environment['REDISCLI_AUTH'])
  const places = [url.host, environment['KAFKA_BROKERS'], new URL(environment['REDIS_URL'] ?? '').host]
  assert.deepEqual(
    places,
    [postgres, kafka, redis].map((each) => each?.ports[0]?.replace(/:\d+$/, '')),
  )
})

const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0
const skip = hasCompose ? false : 'docker compose is not here: compose.yaml was checked by our rules alone'

test('docker compose takes compose.yaml', { skip }, () => {
  const { status, stderr } = spawnSync('docker', ['compose', '-f', `${root}compose.yaml`, 'config', '--quiet'], {
    encoding: 'utf8',
  })
  assert.deepEqual([status, stderr], [0, ''])
})
