-- Goes up with each change of the password. Tokens carry it, and those of an older password are good for nothing.
ALTER TABLE account ADD COLUMN password_version int NOT NULL DEFAULT 1;
