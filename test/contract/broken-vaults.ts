import type { VaultDriver } from 'estafet/contract'
import type { MemoryTransaction } from 'estafet/memory'
import { memoryVaultDriver } from './memory-driver.ts'

type Driver = VaultDriver<MemoryTransaction>
type Vault = Driver['vault']

/** Vaults that each break one promise, by what is wrong with them. */
export const brokenVaults: Readonly<Record<string, () => Driver>> = {
  'opens everything as the first': () =>
    withVault((vault) => ({
      async open(values) {
        const [first] = await vault.open(values)
        return first === undefined ? [] : values.map(() => first)
      },
    })),
  'seals the same each time': () =>
    withVault((vault) => {
      const kept = new Map<string, string>()
      return {
        async seal(values) {
          const sealed = await vault.seal(values)
          return values.map((value, at) => {
            const name = JSON.stringify(value)
            const text = sealed[at] ?? null
            if (text === null) return null
            kept.set(name, kept.get(name) ?? text)
            return kept.get(name) ?? text
          })
        },
      }
    }),
  'binds to no place': () =>
    withVault((vault) => ({
      seal: (values) => vault.seal(values.map((value) => ({ ...value, place: '' }))),
      open: (values) => vault.open(values.map((value) => ({ ...value, place: '' }))),
    })),
  'takes what was changed for erased': () =>
    withVault((vault) => ({
      open: async (values) =>
        (await vault.open(values)).map((found) => (found.kind === 'refused' ? { kind: 'erased' } : found)),
    })),
  'erases nobody': () => withVault(() => ({ erase: () => Promise.resolve(true) })),
  'erases everybody': () =>
    withVault((vault) => {
      let isErased = false
      return {
        open: async (values) => (isErased ? values.map(() => ({ kind: 'erased' })) : vault.open(values)),
        erase(tx, subject) {
          isErased = true
          return vault.erase(tx, subject)
        },
      }
    }),
  'gives who was erased a new key': () =>
    withVault((vault) => ({
      seal: async (values) => (await vault.seal(values)).map((text) => text ?? 'again'),
    })),
  'erases in a transaction of its own': () =>
    withVault((vault, { unitOfWork }) => ({ erase: (_, subject) => unitOfWork.run((tx) => vault.erase(tx, subject)) })),
  'tells of each erasing': () =>
    withVault((vault) => ({
      async erase(tx, subject) {
        await vault.erase(tx, subject)
        return true
      },
    })),
  'makes a key for each who asks first': () =>
    withVault((vault) => {
      const generation = new Map<string, number>()
      const named = (subject: string, of: number): string => `${subject} ${of}`
      return {
        async seal(values) {
          const known = new Set(generation.keys())
          await new Promise((resolve) => setImmediate(resolve))
          for (const { subject } of values) {
            if (!known.has(subject)) generation.set(subject, (generation.get(subject) ?? 0) + 1)
          }
          return vault.seal(
            values.map((value) => ({ ...value, place: named(value.place, generation.get(value.subject) ?? 0) })),
          )
        },
        open: (values) =>
          vault.open(
            values.map((value) => ({ ...value, place: named(value.place, generation.get(value.subject) ?? 0) })),
          ),
      }
    }),
}

function withVault(change: (vault: Vault, driver: Driver) => Partial<Vault>): Driver {
  const driver = memoryVaultDriver()
  return { ...driver, vault: { ...driver.vault, ...change(driver.vault, driver) } }
}
