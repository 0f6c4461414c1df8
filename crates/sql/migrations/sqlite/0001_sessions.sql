-- Marks the file as ours: "Door" in ASCII. Files of other programs are refused.
PRAGMA application_id = 1148153714;

-- Times are milliseconds since 1970. `seq` is the order of creation. `created_at` cannot give it: two sessions may
-- be created in one millisecond, and a clock may go back.
CREATE TABLE sessions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    key BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    signed_in_at INTEGER NOT NULL,
    idle_timeout INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL,
    user_agent TEXT,
    network TEXT,
    data TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_of_user ON sessions (user_id, seq);
CREATE INDEX sessions_to_forget ON sessions (forget_at);

CREATE TABLE tickets (
    key BLOB PRIMARY KEY,
    session_id TEXT NOT NULL,
    challenge BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tickets_to_forget ON tickets (expires_at);

CREATE TABLE epochs (
    user_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX epochs_to_forget ON epochs (revoked_at);

-- `kind` is 'session' or 'token', because a session and a token may have the same id.
CREATE TABLE ended (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_to_forget ON ended (ended_at);
