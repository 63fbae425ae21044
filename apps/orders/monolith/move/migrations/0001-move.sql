-- What the move needs in the monolith's database, in a schema of its own: DROP SCHEMA move CASCADE takes it away again.
CREATE SCHEMA move;

-- How far the load got, written in the transaction that publishes.
CREATE TABLE move.progress (
  source_table text PRIMARY KEY,
  last_id bigint NOT NULL DEFAULT 0,
  -- The newest row when the load began.
  up_to bigint,
  rows bigint NOT NULL DEFAULT 0,
  is_done boolean NOT NULL DEFAULT false
);
INSERT INTO move.progress (source_table) VALUES ('users'), ('products'), ('orders');

-- Rows that changed, noted in the transaction that changes them; only that they did: what they are is read when they are sent.
CREATE TABLE move.note (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source_table text NOT NULL,
  row_id bigint NOT NULL
);

-- With its owner's rights: whoever writes to the monolith needs none to the notes.
CREATE FUNCTION move.note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed text := CASE TG_TABLE_NAME WHEN 'order_items' THEN 'orders' ELSE TG_TABLE_NAME END;
  field text := CASE TG_TABLE_NAME WHEN 'order_items' THEN 'order_id' ELSE 'id' END;
  -- OLD is not assigned for INSERT, nor NEW for DELETE.
  was jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
  is_now jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
  INSERT INTO move.note (source_table, row_id)
    SELECT DISTINCT changed, value::bigint FROM (VALUES (was ->> field), (is_now ->> field)) AS ids (value)
    WHERE value IS NOT NULL;
  -- Whether an address is somebody else's, too, is decided by other rows than this one.
  IF TG_TABLE_NAME = 'users' THEN
    INSERT INTO move.note (source_table, row_id)
      SELECT 'users', u.id FROM public.users AS u
      WHERE lower(u.email) IN (lower(was ->> 'email'), lower(is_now ->> 'email'))
        AND u.id IS DISTINCT FROM (is_now ->> 'id')::bigint;
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION move.note_change FROM PUBLIC;

CREATE FUNCTION move.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'This table is being moved: TRUNCATE would not be noticed. Use DELETE.';
END
$$;

-- CREATE TRIGGER waits for writers that are under way, so no change is between the triggers and the load.
CREATE TRIGGER move_note AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION move.note_change();
CREATE TRIGGER move_note AFTER INSERT OR UPDATE OR DELETE ON products FOR EACH ROW EXECUTE FUNCTION move.note_change();
CREATE TRIGGER move_note AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION move.note_change();
CREATE TRIGGER move_note AFTER INSERT OR UPDATE OR DELETE ON order_items FOR EACH ROW EXECUTE FUNCTION move.note_change();
CREATE TRIGGER move_truncate BEFORE TRUNCATE ON users EXECUTE FUNCTION move.refuse_truncate();
CREATE TRIGGER move_truncate BEFORE TRUNCATE ON products EXECUTE FUNCTION move.refuse_truncate();
CREATE TRIGGER move_truncate BEFORE TRUNCATE ON orders EXECUTE FUNCTION move.refuse_truncate();
CREATE TRIGGER move_truncate BEFORE TRUNCATE ON order_items EXECUTE FUNCTION move.refuse_truncate();
CREATE INDEX move_users_by_email ON users (lower(email));

GRANT USAGE ON SCHEMA move TO orders_monolith;
GRANT SELECT, UPDATE ON move.progress TO orders_monolith;
GRANT SELECT, INSERT, DELETE ON move.note TO orders_monolith;
