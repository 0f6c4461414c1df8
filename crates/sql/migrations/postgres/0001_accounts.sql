-- Times are milliseconds since 1970, as everywhere in this project. The collation "C" compares names by their bytes.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

-- `id` is the credential id, unique across all accounts. `seq` is the order in which passkeys were added.
CREATE TABLE passkeys (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    is_synced BOOLEAN NOT NULL,
    key BYTEA NOT NULL
);

CREATE INDEX passkeys_of_user ON passkeys (user_id, seq);

-- At most one row: the secret from which the passkeys of unknown names are derived.
CREATE TABLE decoy_secret (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    secret BYTEA NOT NULL
);

-- All codes of an account are hashed with the same salt.
CREATE TABLE recovery_salts (
    user_id TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    salt BYTEA NOT NULL
);

CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
