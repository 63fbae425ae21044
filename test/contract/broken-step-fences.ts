import type { StepFenceDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryStepFenceDriver } from './memory-driver.ts'

type Driver = StepFenceDriver<MemoryTransaction>
type Fence = Driver['fence']

/** Fences that each break one promise, by what is wrong with them. */
export const brokenStepFences: Readonly<Record<string, () => Driver>> = {
  'knows one step': () =>
    withFence((fence) => ({
      take: (tx) => fence.take(tx, 'a'),
      settle: (tx, _, state, answer) => fence.settle(tx, 'a', state, answer),
    })),
  'keeps the first': () =>
    withFence((fence) => ({
      async settle(tx, step, state, answer) {
        if ((await fence.take(tx, step)).state === 'new') await fence.settle(tx, step, state, answer)
      },
    })),
  'settles in a transaction of its own': () =>
    withFence((fence, { unitOfWork }) => ({
      take: (_, step) => unitOfWork.run((tx) => fence.take(tx, step)),
      settle: (_, step, state, answer) => unitOfWork.run((tx) => fence.settle(tx, step, state, answer)),
    })),
  'locks nothing': () =>
    withFence((fence, { unitOfWork }) => ({ take: (_, step) => unitOfWork.run((tx) => fence.take(tx, step)) })),
  'forgets what is not old': () => withFence((fence) => ({ forget: (tx) => fence.forget(tx, -1) })),
  'forgets nothing': () => withFence(() => ({ forget: () => Promise.resolve() })),
}

function withFence(change: (fence: Fence, driver: Driver) => Partial<Fence>): Driver {
  const driver = memoryStepFenceDriver()
  return { ...driver, fence: { ...driver.fence, ...change(driver.fence, driver) } }
}
