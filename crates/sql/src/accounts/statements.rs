//! Statements for accounts. SQLite and PostgreSQL both understand them.

/// Stores the secret from which decoy passkeys are derived, unless a secret is stored. The table can have only one
/// row.
pub(crate) const PUT_DECOY_SECRET: &str =
    "INSERT INTO decoy_secret (one, secret) VALUES (1, $1) ON CONFLICT DO NOTHING";

pub(crate) const DECOY_SECRET: &str = "SELECT secret FROM decoy_secret";

pub(crate) const CREATE: &str = "INSERT INTO accounts \
    (id, name, name_key, display_name, created_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6)";

pub(crate) const NAME_IS_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM accounts WHERE name_key = $1)";

pub(crate) const BY_ID: &str = "SELECT id, name, name_key, display_name, created_at, disabled_at \
    FROM accounts WHERE id = $1";

pub(crate) const BY_NAME: &str = "SELECT id, name, name_key, display_name, created_at, disabled_at \
    FROM accounts WHERE name_key = $1";

/// Lists the accounts after a name, sorted by name. Unlike an offset, a name stays valid while accounts are created
/// and removed.
pub(crate) const LIST: &str = "SELECT id, name, name_key, display_name, created_at, disabled_at \
    FROM accounts WHERE name_key > $1 ORDER BY name_key LIMIT $2";

pub(crate) const SET_DISABLED: &str = "UPDATE accounts SET disabled_at = $2 WHERE id = $1";

pub(crate) const REMOVE: &str = "DELETE FROM accounts WHERE id = $1";

pub(crate) const ADD_PASSKEY: &str = "INSERT INTO passkeys \
    (id, user_id, name, created_at, used_at, is_synced, key) VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(crate) const COUNT_PASSKEYS: &str = "SELECT count(*) FROM passkeys WHERE user_id = $1";

pub(crate) const PASSKEY: &str = "SELECT id, user_id, name, created_at, used_at, is_synced, key \
    FROM passkeys WHERE id = $1";

pub(crate) const PASSKEYS_OF: &str = "SELECT id, user_id, name, created_at, used_at, is_synced, key \
    FROM passkeys WHERE user_id = $1 ORDER BY seq";

/// Changes the passkey only if its key is still `$2`. Of two concurrent uses of a passkey, only one changes the row.
pub(crate) const RECORD_USE: &str = "UPDATE passkeys SET key = $3, is_synced = $4, \
    used_at = CASE WHEN used_at > $5 THEN used_at ELSE $5 END WHERE id = $1 AND key = $2";

pub(crate) const RENAME: &str = "UPDATE passkeys SET name = $3 WHERE user_id = $1 AND id = $2";

/// Removes a passkey only if its user can still sign in afterwards, with another passkey or a recovery code.
pub(crate) const REMOVE_PASSKEY: &str = "DELETE FROM passkeys WHERE user_id = $1 AND id = $2 AND \
    (EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1 AND id <> $2) \
    OR EXISTS (SELECT 1 FROM recovery_codes WHERE user_id = $1))";

pub(crate) const HAS_PASSKEY: &str =
    "SELECT EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1 AND id = $2)";

pub(crate) const PUT_SALT: &str = "INSERT INTO recovery_salts (user_id, salt) VALUES ($1, $2) \
    ON CONFLICT (user_id) DO UPDATE SET salt = excluded.salt";

pub(crate) const FORGET_CODES: &str = "DELETE FROM recovery_codes WHERE user_id = $1";

pub(crate) const PUT_CODE: &str = "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)";

/// Selects the salt of a user's recovery codes with the hash of each unused code. If all codes are used, returns one row
/// with the salt and a null hash.
pub(crate) const CODES: &str = "SELECT salt, hash FROM recovery_salts AS salts \
    LEFT JOIN recovery_codes AS codes ON codes.user_id = salts.user_id WHERE salts.user_id = $1";

/// Uses up a recovery code. Of several concurrent statements, only one deletes the row.
pub(crate) const TAKE_CODE: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";
