/**
 * What a token may do, each including the ones before: see what there is; see content, masked; act on it; what is
 * drastic or has no mask.
 */
export const roles = ['view', 'payloads', 'operate', 'admin'] as const

export type Role = (typeof roles)[number]

export function isAtLeast(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}
