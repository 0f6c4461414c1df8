CREATE TABLE chat_invitations (
    room_id TEXT NOT NULL REFERENCES chat_rooms (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    inviter_id TEXT NOT NULL,
    inviter_name TEXT NOT NULL,
    invited_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX chat_invitations_by_user ON chat_invitations (user_id, invited_at);

CREATE INDEX chat_invitations_by_inviter ON chat_invitations (inviter_id, user_id);
