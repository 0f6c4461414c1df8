-- `id` identifies an account. `name_key` is the name in the form in which names are compared, byte by byte.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT, WITHOUT ROWID;

-- `id` is the credential id, unique across all accounts. `seq` is the order in which passkeys were added.
CREATE TABLE passkeys (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER,
    is_synced INTEGER NOT NULL,
    key BLOB NOT NULL
) STRICT;

CREATE INDEX passkeys_of_user ON passkeys (user_id, seq);

-- At most one row: the secret from which the passkeys of unknown names are derived.
CREATE TABLE decoy_secret (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    secret BLOB NOT NULL
) STRICT;

-- All codes of an account are hashed with the same salt.
CREATE TABLE recovery_salts (
    user_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    salt BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;
