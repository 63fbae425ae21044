/** What a sealed value is bound to besides its subject: moved to another field or type, it does not open. */
export function placeOf(type: string, field: string): string {
  return JSON.stringify([type, field])
}
