import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recent, trendOf } from '../admin/growth.ts'
import { prometheusText } from '../admin/prometheus.ts'

const sample = (second: number, processed: number, dead: number) => ({ atMs: second * 1000, processed, dead })

test('the processed rate is that of the last minute', () => {
  const samples = [sample(0, 0, 0), sample(60, 600, 0), sample(120, 660, 0)]
  assert.equal(trendOf(samples, 300_000).processedPerSecond, 1)
  assert.deepEqual(trendOf([], 1_000), { processedPerSecond: 0, growth: 0 })
  assert.deepEqual(trendOf([sample(5, 9, 9)], 1_000), { processedPerSecond: 0, growth: 0 })
})

test('dead letters that were there before do not grow, and growth is over once its window is', () => {
  assert.equal(trendOf([sample(0, 0, 7), sample(10, 0, 7)], 60_000).growth, 0)
  assert.equal(trendOf([sample(0, 0, 7), sample(10, 0, 9)], 60_000).growth, 2)
  assert.equal(trendOf([sample(0, 0, 7), sample(10, 0, 9), sample(80, 0, 9)], 60_000).growth, 0)
})

test('what was mended in between does not hide what has come since', () => {
  assert.equal(trendOf([sample(0, 0, 7), sample(10, 0, 0), sample(20, 0, 3)], 60_000).growth, 3)
})

test('samples are kept as long as a window reaches back to them', () => {
  const samples = [sample(0, 0, 0), sample(50, 0, 0), sample(100, 0, 0)]
  assert.deepEqual(
    recent(samples, 100_000, 10_000).map(({ atMs }) => atMs),
    [50_000, 100_000],
  )
  assert.equal(recent(samples, 100_000, 300_000).length, 3)
})

test('the text for Prometheus has a help and a type for each metric, and leaves out what is not known', () => {
  const service = {
    ...{ service: 'notifications', ready: true, processed: 3, processed_per_second: 0.05, duplicates: 0 },
    ...{ failed_attempts: 1, dead_letters: 2, dead_letters_growth: 1, unsent: { redis: null } },
    lag: [{ topic: 'task.created', messages: null, seconds: null }],
  }
  const alerts = [{ alert: 'dlq_growing' as const, service: 'notifications', says: '' }]
  const lines = prometheusText({ at: '', services: [service], alerts })
    .trimEnd()
    .split('\n')
  const names = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2])
  for (const line of lines.filter((each) => !each.startsWith('#'))) {
    assert.match(line, /^[a-z_]+\{service="notifications"(,(topic|sink)="[\w.]+")?\} [\d.]+$/)
    assert.ok(names.includes(line.split('{')[0]))
  }
  assert.ok(lines.includes('team_tasks_dead_letters_growing{service="notifications"} 1'))
  assert.ok(!lines.some((line) => line.startsWith('team_tasks_lag_messages{')))
})
