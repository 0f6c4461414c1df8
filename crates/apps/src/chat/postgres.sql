-- `version` grows with every change in a room, `last_seq` with every message. The collation "C" compares texts by their
-- bytes, as SQLite does.
CREATE TABLE chat_rooms (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL DEFAULT 0,
    last_seq BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);

CREATE TABLE chat_members (
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    read_seq BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX chat_members_by_user ON chat_members (user_id);

CREATE TABLE chat_messages (
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    version BIGINT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_at BIGINT NOT NULL,
    is_edited BOOLEAN NOT NULL DEFAULT false,
    is_removed BOOLEAN NOT NULL DEFAULT false,
    PRIMARY KEY (room_id, seq)
);

CREATE INDEX chat_messages_by_version ON chat_messages (room_id, version);

CREATE INDEX chat_messages_by_user ON chat_messages (user_id);

-- What senders called their messages: kept for longer than the messages, or one that is sent again late would
-- be written twice.
CREATE TABLE chat_keys (
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id, key)
);

CREATE INDEX chat_keys_by_seq ON chat_keys (room_id, seq);

CREATE INDEX chat_keys_by_user ON chat_keys (user_id);

CREATE TABLE chat_invitations (
    room_id TEXT COLLATE "C" NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT COLLATE "C" NOT NULL,
    inviter_id TEXT COLLATE "C" NOT NULL,
    inviter_name TEXT NOT NULL,
    invited_at BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX chat_invitations_by_user ON chat_invitations (user_id, invited_at);

CREATE INDEX chat_invitations_by_inviter ON chat_invitations (inviter_id, user_id);
