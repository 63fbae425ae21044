-- A key for each person, with which personal fields are sealed. Leave this table out of the backups of the rest
-- (pg_dump --exclude-table-data=estafet.subject_key) and keep its own for no longer than an erasure may take.
CREATE TABLE estafet.subject_key (
  subject text PRIMARY KEY,
  -- Sealed itself, with a secret that is not in the database; NULL once the person was erased. The row stays: for ever.
  wrapped bytea,
  secret_id text,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  erased_at timestamptz,
  CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL)),
  CHECK ((wrapped IS NULL) = (secret_id IS NULL))
);

-- As whoever writes: its role is what is asked for.
CREATE FUNCTION estafet.refuse_return() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- Who may only seal must not erase those who are still to come.
    IF NEW.erased_at IS NOT NULL AND NOT has_column_privilege(current_user, TG_RELID, 'erased_at', 'UPDATE') THEN
      RAISE EXCEPTION 'only an eraser erases' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.erased_at IS NOT NULL OR NEW.subject <> OLD.subject THEN
    RAISE EXCEPTION 'who was erased stays erased' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER refuse_return BEFORE INSERT OR UPDATE OR DELETE ON estafet.subject_key
  FOR EACH ROW EXECUTE FUNCTION estafet.refuse_return();

CREATE FUNCTION estafet.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'who was erased stays erased' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON estafet.subject_key
  FOR EACH STATEMENT EXECUTE FUNCTION estafet.refuse_truncate();

-- Two more roles without login:
--   vault    seals and opens             (services that write or read what is personal)
--   eraser   erases as well              (the service that people ask for it)
DO $$
DECLARE
  kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['vault', 'eraser'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = estafet.role_name(kind)) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', estafet.role_name(kind));
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA estafet TO %I', estafet.role_name(kind));
    EXECUTE format('GRANT SELECT, INSERT ON estafet.subject_key TO %I', estafet.role_name(kind));
  END LOOP;
  EXECUTE format('GRANT UPDATE (wrapped, secret_id, erased_at) ON estafet.subject_key TO %I', estafet.role_name('eraser'));
END
$$;
