// Moves the monolith, and ends itself at a named step: DIE_AT=point:times, with kill -9.

import { move } from '../monolith/move/move.ts'
import { progress } from '../monolith/move/progress.ts'
import { openMove } from '../monolith/system.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const [point = '', times = '1'] = (process.env['DIE_AT'] ?? '').split(':')
let left = Number(times)
const reach = (at: string): void => {
  if (at === point && --left === 0) process.kill(process.pid, 'SIGKILL')
}

const adminUrl = process.env['POSTGRES_URL'] ?? ''
const system = await openMove({ says: 'it', application: 'orders', adminUrl, stop: () => Promise.resolve() }, silent)
const followers = await system.follow((store) => ({
  ...store,
  unitOfWork: {
    async run(work, last) {
      const result = await store.unitOfWork.run(
        async (tx) => {
          reach('target begun')
          return work(tx)
        },
        async (tx) => {
          await last?.(tx)
          reach('target before commit')
        },
      )
      reach('target committed')
      return result
    },
  },
}))
const moved = await move({ ...system, followers, batch: 2, reach, progress: progress() })
await system.stop()
process.exit(moved.isComplete ? 0 : 1)
