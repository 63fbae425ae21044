-- Fewer cars than the bookings of 2015 ask for on the busiest days, so that some are refused.
CREATE TABLE fleet (place text PRIMARY KEY, capacity int NOT NULL CHECK (capacity >= 0));
INSERT INTO fleet VALUES ('fleet', 32);

-- One row for each day, so that there is something to lock; the CHECK is the last word on selling more than there is.
CREATE TABLE car_day (
  place text NOT NULL REFERENCES fleet,
  day date NOT NULL,
  capacity int NOT NULL,
  held int NOT NULL DEFAULT 0 CHECK (held BETWEEN 0 AND capacity),
  PRIMARY KEY (place, day)
) WITH (fillfactor = 50);

CREATE TABLE rental (
  trip_id text PRIMARY KEY,
  place text NOT NULL REFERENCES fleet,
  first_day date NOT NULL,
  days int NOT NULL CHECK (days >= 0),
  state text NOT NULL CHECK (state IN ('reserved', 'confirmed', 'released'))
) WITH (fillfactor = 70);

CREATE VIEW summary AS SELECT state, count(*)::int AS trips FROM rental GROUP BY state;

GRANT SELECT ON fleet, summary TO car;
GRANT SELECT, INSERT, UPDATE ON car_day, rental TO car;
