-- Ids from 0 down are loaded, too: NULL is before all of them. A load that went by them is mended by the comparison.
ALTER TABLE move.progress ALTER last_id DROP NOT NULL, ALTER last_id DROP DEFAULT;
UPDATE move.progress SET last_id = NULL WHERE up_to IS NULL;
