-- Fewer rooms than the bookings of 2015 ask for on the busiest nights, so that some are refused.
CREATE TABLE hotel (place text PRIMARY KEY, capacity int NOT NULL CHECK (capacity >= 0));
INSERT INTO hotel VALUES ('City Hotel', 270), ('Resort Hotel', 210);

-- One row for each day, so that there is something to lock; the CHECK is the last word on selling more than there is.
CREATE TABLE room_night (
  place text NOT NULL REFERENCES hotel,
  day date NOT NULL,
  capacity int NOT NULL,
  held int NOT NULL DEFAULT 0 CHECK (held BETWEEN 0 AND capacity),
  PRIMARY KEY (place, day)
) WITH (fillfactor = 50);

CREATE TABLE reservation (
  trip_id text PRIMARY KEY,
  place text NOT NULL REFERENCES hotel,
  first_day date NOT NULL,
  days int NOT NULL CHECK (days >= 0),
  state text NOT NULL CHECK (state IN ('reserved', 'confirmed', 'released'))
) WITH (fillfactor = 70);

CREATE VIEW summary AS SELECT state, count(*)::int AS trips FROM reservation GROUP BY state;

GRANT SELECT ON hotel, summary TO hotel;
GRANT SELECT, INSERT, UPDATE ON room_night, reservation TO hotel;
