/** What is wrong with the names of masked fields. */
export function maskFaults(mask: readonly string[]): readonly string[] {
  return mask
    .filter((field) => field === '' || field.split('.').includes(''))
    .map((field) => `the masked field ${JSON.stringify(field)} must be names joined by dots`)
}
