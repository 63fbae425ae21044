import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { turns } from './turns.ts'

/** 32 MiB for each password: what OWASP asks of scrypt at this parallelism. */
const cost = { N: 2 ** 15, r: 8, p: 3 }
const bytes = 32

/** Two take 64 MiB and two of Node's four threads: files and names are found beside them. 50 wait for some seconds. */
const inTurn = turns({ atOnce: 2, waiting: 50 })

/** A password as it is stored: `scrypt$N$r$p$salt$hash`. Rejects with NoTurn when too many wait for theirs. */
export async function hashOf(password: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derived(password, salt, cost)
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$')
}

/**
 * Whether it is the password. Takes as long where nothing is stored, so that time does not tell which accounts exist. Rejects
 * with NoTurn when too many wait for theirs.
 */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const [, N = cost.N, r = cost.r, p = cost.p, salt = '', hash = ''] = stored?.split('$') ?? []
  const found = await derived(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) })
  const wanted = Buffer.from(hash, 'base64url')
  return wanted.length === found.length && timingSafeEqual(wanted, found)
}

function derived(password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r }
  return inTurn(
    () =>
      new Promise((resolve, reject) => {
        scrypt(password.normalize('NFKC'), salt, bytes, options, (error, key) => {
          if (error === null) resolve(key)
          else reject(error)
        })
      }),
  )
}
