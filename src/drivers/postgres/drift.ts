import type { Sql } from './sql.ts'

/** What stands in the schema, by name: a short text for each column, function, view, sequence and grant. */
export type SchemaDescription = Readonly<Record<string, string>>

/** Describes the schema `estafet` as the catalog has it. The same on every supported version of PostgreSQL. */
export async function describeSchema(client: Sql): Promise<SchemaDescription> {
  const { rows } = await client.query<{ name: string; is: string }>(catalogText)
  return Object.fromEntries(rows.map(({ name, is }) => [name, is]))
}

/** Names what one description has and the other has not, or has otherwise. */
export function differences(before: SchemaDescription, now: SchemaDescription): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()
  return names.flatMap((name) => {
    if (before[name] === now[name]) return []
    if (before[name] === undefined) return [`${name} was added`]
    return [now[name] === undefined ? `${name} is gone` : `${name} was changed`]
  })
}

// Function bodies as text where there is one; SQL-standard bodies are parse trees that versions print differently, so
// their signature stands for them. Grants only to the toolkit's own roles and to everybody: others are the user's affair.
const catalogText = `
  SELECT 'column ' || c.relname || '.' || a.attname AS name,
    format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS is
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE c.relnamespace = 'estafet'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT 'index ' || c.relname, pg_get_indexdef(c.oid) FROM pg_class c
  WHERE c.relnamespace = 'estafet'::regnamespace AND c.relkind = 'i'
  UNION ALL
  SELECT 'sequence ' || c.relname, 'cache ' || s.seqcache || ' increment ' || s.seqincrement
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relnamespace = 'estafet'::regnamespace
  UNION ALL
  SELECT 'function ' || p.oid::regprocedure::text, md5(p.prosrc) || CASE WHEN p.prosecdef THEN ' definer' ELSE '' END
  FROM pg_proc p WHERE p.pronamespace = 'estafet'::regnamespace
  UNION ALL
  SELECT 'trigger ' || c.relname || '.' || t.tgname, md5(pg_get_triggerdef(t.oid))
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
  WHERE c.relnamespace = 'estafet'::regnamespace AND NOT t.tgisinternal
  UNION ALL
  SELECT 'grant on ' || c.relname || ' to ' || CASE WHEN x.grantee = 0 THEN 'public' ELSE x.grantee::regrole::text END,
    string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type)
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
  WHERE c.relnamespace = 'estafet'::regnamespace
    AND (x.grantee = 0 OR x.grantee::regrole::text LIKE '%estafet\\_%')
  GROUP BY c.relname, x.grantee`
