-- `version` grows with every change in a room, `last_seq` with every message.
CREATE TABLE IF NOT EXISTS chat_rooms (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 0,
    last_seq INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chat_members (
    room_id TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS chat_members_by_user ON chat_members (user_id);

CREATE TABLE IF NOT EXISTS chat_messages (
    room_id TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    is_edited INTEGER NOT NULL DEFAULT 0,
    is_removed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS chat_messages_by_version ON chat_messages (room_id, version);

-- What senders called their messages: kept for longer than the messages, or one that is sent again late would
-- be written twice.
CREATE TABLE IF NOT EXISTS chat_keys (
    room_id TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS chat_keys_by_seq ON chat_keys (room_id, seq);
