import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const [nonceBytes, tagBytes] = [12, 16]
/** Of AES-256. */
export const keyBytes = 32

/** Seals bytes with AES-256-GCM under a new nonce: nonce, ciphertext, tag. `bound` must be the same to open them. */
export function encrypt(key: Uint8Array, bound: string, clear: Uint8Array): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(bound))
  return Buffer.concat([nonce, cipher.update(clear), cipher.final(), cipher.getAuthTag()])
}

/** Opens what `encrypt` sealed; null when anything of it was changed. */
export function decrypt(key: Uint8Array, bound: string, sealed: Uint8Array): Buffer | null {
  if (sealed.length < nonceBytes + tagBytes) return null
  const end = sealed.length - tagBytes
  const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
  cipher.setAAD(Buffer.from(bound))
  cipher.setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([cipher.update(sealed.subarray(nonceBytes, end)), cipher.final()])
  } catch {
    return null
  }
}
