-- What became of the steps that others asked this service for: see StepFence.
CREATE TABLE estafet.step (
  step text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('new', 'done', 'refused', 'cancelled')),
  answer text,
  taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK ((state = 'new') = (answer IS NULL))
);
CREATE INDEX step_age ON estafet.step (taken_at);

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON estafet.step TO %I', estafet.role_name('subscriber'));
END
$$;
