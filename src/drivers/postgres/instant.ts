/** SQL text that makes an instant's ISO 8601 in UTC, so that a user's type parsers cannot change it. */
export function instant(column: string): string {
  return `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
