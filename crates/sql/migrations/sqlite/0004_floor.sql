-- The floor: credentials of all users that were issued before it are rejected. A file has a row here only if it was
-- created to replace a lost one.
CREATE TABLE floor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT;
