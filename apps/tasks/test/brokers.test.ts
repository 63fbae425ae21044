import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { UnusableSettings } from '../../../engines/application/settings.ts'
import { howToGetKafka, kafkaInstallation } from '../../../engines/kafka/installation.ts'
import { findRedis, howToGetRedis } from '../../../engines/redis/binaries.ts'
import { temporaryRedis } from '../../../engines/redis/server.ts'
import { settingsOf } from '../system/settings.ts'
import { startSystem } from '../system/system.ts'
import { eventually, startTeam, type Team } from './team.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const noRedis = findRedis() === null ? [howToGetRedis] : []
const noKafka = kafkaInstallation() === null ? [howToGetKafka] : []
const skipWithout = (missing: readonly string[]) => (missing.length > 0 ? `get it by: ${missing.join('; ')}` : false)

const toldOf = (team: Team, task: string) =>
  eventually(
    () => team.sql('notifications', 'SELECT status FROM notification WHERE task_id = $1', [task]),
    (rows) => rows.length > 0 && rows.every(({ status }) => status === 'sent'),
  )

test('EVENTS_BROKER moves a system from Redis to Kafka by configuration alone: all goes on, and nobody is told twice', {
  skip: skipWithout([...noRedis, ...noKafka]),
}, async () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
  const environment = { TASKS_HOME: home, ANALYTICS_BROKER: 'postgres' }
  const before = await startTeam({ ...environment, EVENTS_BROKER: 'redis' })
  const old = await before.task(before.admin, 'By Redis', [before.admin])
  await toldOf(before, old)
  await before.stop('keep')
  const team = await startTeam({ ...environment, EVENTS_BROKER: 'kafka' })
  try {
    assert.match(team.system.brokers.events.says, /^Kafka/)
    const fresh = await team.task(team.admin, 'By Kafka', [team.admin])
    await toldOf(team, fresh)
    // All of the log is in Kafka now, the old event among it.
    await eventually(
      async () => (await team.call('GET', '/admin/metrics?format=prometheus', { token: team.admin.token })).body,
      (text) => String(text).includes('team_tasks_lag_messages{service="notifications",topic="task.created"} 0\n'),
    )
    assert.equal((await toldOf(team, old)).length, 1)
    assert.equal((await toldOf(team, fresh)).length, 1)
  } finally {
    await team.stop()
  }
})

test('while Redis is away tasks are taken, and what follows from them comes once it is back', {
  skip: skipWithout(noRedis),
}, async () => {
  const redis = await temporaryRedis()
  const team = await startTeam({ EVENTS_BROKER: 'redis', REDIS_URL: redis.url, ANALYTICS_BROKER: 'postgres' })
  try {
    await toldOf(team, await team.task(team.admin, 'Before', [team.admin]))
    await redis.kill()
    const during = await team.task(team.admin, 'During', [team.admin])
    const unsent = async () =>
      String((await team.call('GET', '/admin/metrics?format=prometheus', { token: team.admin.token })).body)
    assert.match(await unsent(), /team_tasks_unsent_messages\{service="tasks",sink="redis"\} 1\n/)
    await redis.restart()
    assert.equal((await toldOf(team, during)).length, 1)
    await eventually(unsent, (text) => text.includes('team_tasks_unsent_messages{service="tasks",sink="redis"} 0\n'))
  } finally {
    await team.stop()
    await redis.stop()
  }
})

test('a Redis that can lose messages is refused, unless that is what was asked for', {
  skip: skipWithout(noRedis),
}, async () => {
  const redis = await temporaryRedis({ settings: { appendonly: 'no' } })
  const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
  const environment = { TASKS_HOME: home, REDIS_URL: redis.url, ANALYTICS_BROKER: 'postgres' }
  try {
    await assert.rejects(startSystem(settingsOf(environment), silent), (error) => {
      return error instanceof UnusableSettings && /REDIS_ALLOW/.test(error.message)
    })
    const team = await startTeam({ ...environment, REDIS_ALLOW: 'no-aof' })
    await team.stop()
  } finally {
    await redis.stop()
    rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
})

test('a Redis that nobody reaches ends the start, and names the variable', async () => {
  const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
  const environment = { TASKS_HOME: home, REDIS_URL: 'redis://127.0.0.1:9', ANALYTICS_BROKER: 'postgres' }
  await assert.rejects(startSystem(settingsOf(environment), silent), (error) => {
    return error instanceof UnusableSettings && /^REDIS_URL: /.test(error.message)
  })
  rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

for (const [given, reply] of [
  ['a wrong password', 'WRONGPASS'],
  ['no password', 'NOAUTH'],
] as const) {
  test(`a Redis that is given ${given} ends the start, and says so rather than that it is not there`, {
    skip: skipWithout(noRedis),
  }, async () => {
    const redis = await temporaryRedis()
    const home = mkdtempSync(join(tmpdir(), 'estafet-tasks-'))
    const url = new URL(redis.url)
    url.password = reply === 'NOAUTH' ? '' : 'not-for-logs'
    try {
      const settings = settingsOf({ TASKS_HOME: home, REDIS_URL: url.href, ANALYTICS_BROKER: 'postgres' })
      const error: unknown = await startSystem(settings, silent).catch((thrown: unknown) => thrown)
      assert.ok(error instanceof UnusableSettings)
      assert.equal(error.message, `REDIS_URL: Redis at ${url.host} lets nobody in (${reply}).`)
    } finally {
      await redis.stop()
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    }
  })
}
