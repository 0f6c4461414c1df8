-- What counts for every user: whatever was made before is refused. There is no row in a file that has never
-- lost anything.
CREATE TABLE floor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT;
