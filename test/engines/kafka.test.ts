import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Admin } from '@platformatic/kafka'
import { howToGetKafka, kafkaInstallation } from '../../engines/kafka/installation.ts'
import { temporaryKafka } from '../../engines/kafka/server.ts'

const engines = fileURLToPath(new URL('../../engines/kafka/', import.meta.url))

describe('Kafka', { skip: kafkaInstallation() === null ? `get it by: ${howToGetKafka}` : false }, () => {
  test('a killed broker comes back on its ports with its data, and a stopped one leaves nothing behind', async () => {
    const server = await temporaryKafka()
    const [bootstrap, pid] = [server.bootstrap, server.pid]
    try {
      await withAdmin(bootstrap, (admin) => admin.createTopics({ topics: ['kept'], partitions: 2, replicas: 1 }))
      await server.kill()
      assert.equal(commandLines().some(isOf(server.home)), false)
      await server.restart()
      assert.notEqual(server.pid, pid)
      assert.equal(server.bootstrap, bootstrap)
      assert.deepEqual(await withAdmin(bootstrap, (admin) => admin.listTopics()), ['kept'])
    } finally {
      await server.stop()
    }
    assert.equal(existsSync(server.home), false)
    assert.equal(commandLines().some(isOf(server.home)), false)
    await server.stop()
    await assert.rejects(server.restart(), /was stopped/)
  })

  test('a broker is not left behind when its parent is killed', { skip: process.platform !== 'linux' }, async () => {
    const program = `const { temporaryKafka } = await import(${JSON.stringify(`${engines}server.ts`)})
      console.log((await temporaryKafka()).home)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const home = await new Promise<string>((resolve, reject) => {
      parent.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()))
      parent.once('exit', () => reject(new Error('it ended before its broker was up')))
    })
    assert.ok(commandLines().some(isOf(home)))
    parent.kill('SIGKILL')
    const deadline = performance.now() + 20_000
    while (commandLines().some(isOf(home)) || existsSync(home)) {
      assert.ok(performance.now() < deadline, 'the broker or its folder is still there')
      await sleep(50)
    }
  })
})

describe('the installation of Kafka', () => {
  let bin: string
  before(() => {
    bin = mkdtempSync(join(tmpdir(), 'estafet-bin-'))
  })
  after(() => rmSync(bin, { recursive: true, force: true }))

  test('says what is missing, and counts nothing that is incomplete', () => {
    const clone = mkdtempSync(join(tmpdir(), 'estafet-clone-'))
    try {
      const script = join(clone, 'engines', 'kafka', 'install.sh')
      spawnSync('mkdir', ['-p', join(clone, 'engines', 'kafka')])
      for (const name of ['install.sh', 'pom.xml', 'jars.sha256'])
        writeFileSync(join(clone, 'engines', 'kafka', name), readFileSync(join(engines, name)))
      const run = (path: string) =>
        spawnSync('/bin/sh', [script], { env: { PATH: path }, encoding: 'utf8', cwd: clone })
      const basics = ['dirname', 'mkdir', 'mktemp', 'cp', 'rm', 'ls', 'wc', 'mv', 'sha256sum']
      for (const name of basics) {
        writeFileSync(join(bin, name), `#!/bin/sh\nexec /usr/bin/env PATH=/usr/bin:/bin ${name} "$@"\n`, {
          mode: 0o755,
        })
      }
      assert.match(run(bin).stderr, /java is missing/)
      // A download that was changed on its way.
      writeFileSync(join(bin, 'java'), '#!/bin/sh\n', { mode: 0o755 })
      writeFileSync(join(bin, 'mvn'), '#!/bin/sh\nmkdir lib; echo x > lib/activation-1.1.1.jar\n', { mode: 0o755 })
      const changed = run(bin)
      assert.notEqual(changed.status, 0)
      assert.match(changed.stderr + changed.stdout, /activation-1\.1\.1\.jar/)
      assert.deepEqual(readdirSync(join(clone, '.estafet', 'kafka')), [])
    } finally {
      rmSync(clone, { recursive: true, force: true })
    }
  })
})

async function withAdmin<Result>(bootstrap: string, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = new Admin({ clientId: 'engines', bootstrapBrokers: [bootstrap], retries: 10, retryDelay: 200 })
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

function isOf(home: string): (commandLine: string) => boolean {
  return (commandLine) => commandLine.includes(home) && commandLine.includes('kafka.Kafka')
}

function commandLines(): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : []
    } catch {
      return []
    }
  })
}
