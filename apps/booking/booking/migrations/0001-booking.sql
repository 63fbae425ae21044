-- In this order: a trip only ever goes on to a later one. The first seven and COMPENSATED are those of every trip; a completed
-- trip that its guest cancels is CANCELLING and CANCELLED.
CREATE TYPE trip_state AS ENUM (
  'STARTED', 'BOOKING_CREATED', 'HOTEL_RESERVED', 'CAR_RESERVED', 'PAYMENT_PROCESSED', 'COMPLETED', 'CANCELLING', 'CANCELLED',
  'COMPENSATED'
);

CREATE TABLE trip (
  trip_id text PRIMARY KEY,
  form text NOT NULL CHECK (form IN ('orchestrated', 'choreographed')),
  hotel text NOT NULL,
  arrival date NOT NULL,
  nights int NOT NULL CHECK (nights >= 0),
  wants_car boolean NOT NULL,
  deposit text NOT NULL,
  price_per_night numeric(12, 2) NOT NULL CHECK (price_per_night >= 0),
  price numeric(14, 2) NOT NULL GENERATED ALWAYS AS (price_per_night * nights) STORED,
  state trip_state NOT NULL,
  -- Why it did not come about.
  refusal text,
  -- When its guest gave it up; a trip that is not completed yet is cancelled as soon as it is.
  cancelled_on date,
  kept numeric(14, 2),
  CHECK (state NOT IN ('CANCELLING', 'CANCELLED') OR cancelled_on IS NOT NULL),
  CHECK (state <> 'COMPENSATED' OR refusal IS NOT NULL)
) WITH (fillfactor = 60);
CREATE INDEX trip_open ON trip (state) WHERE state NOT IN ('COMPLETED', 'CANCELLED', 'COMPENSATED');

-- Every state that a trip was in, for whoever compares how it went.
CREATE TABLE transition (
  trip_id text NOT NULL REFERENCES trip,
  state trip_state NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (trip_id, state)
);

CREATE FUNCTION note_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO transition (trip_id, state) VALUES (NEW.trip_id, NEW.state);
  RETURN NULL;
END
$$;
CREATE TRIGGER trip_began AFTER INSERT ON trip FOR EACH ROW EXECUTE FUNCTION note_transition();
CREATE TRIGGER trip_moved AFTER UPDATE OF state ON trip FOR EACH ROW WHEN (OLD.state <> NEW.state)
  EXECUTE FUNCTION note_transition();

CREATE VIEW summary AS SELECT state::text AS state, count(*)::int AS trips FROM trip GROUP BY trip.state;

GRANT SELECT, INSERT, UPDATE ON trip TO booking;
GRANT SELECT, INSERT ON transition TO booking;
GRANT SELECT ON summary TO booking;
