-- One row per record. `id` is not unique: several records may belong to one decision.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    action TEXT,
    namespace TEXT,
    user_id TEXT,
    session_prefix TEXT,
    socket TEXT,
    peer_prefix TEXT
) STRICT;

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_user ON audit (user_id, at);
