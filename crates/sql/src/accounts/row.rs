//! Converts rows to accounts, passkeys and recovery codes.

use doorward_core::{Account, CredentialId, PasskeyRecord, RecoveryCodes, StoreError, UserId};

use crate::{sqlx_error::unreadable, time::from_millis};

/// Columns of an account: id, name, key of the name, display name, time of creation, and time at
/// which the account was disabled. Times are in milliseconds since 1970.
pub(crate) type AccountRow = (String, String, String, String, i64, Option<i64>);

/// Columns of a passkey: id, user, name, time of creation, time of last use, `true` if synced, and
/// key. Times are in milliseconds since 1970.
pub(crate) type PasskeyRow = (Vec<u8>, String, String, i64, Option<i64>, bool, Vec<u8>);

pub(crate) fn read_account(row: AccountRow) -> Account {
    let (id, name, name_key, display_name, created_at, disabled_at) = row;
    let mut account = Account::new(UserId::new(id), name, name_key, from_millis(created_at));
    account.display_name = display_name.into();
    account.disabled_at = disabled_at.map(from_millis);
    account
}

pub(crate) fn read_passkey(row: PasskeyRow) -> PasskeyRecord {
    let (id, user, name, created_at, used_at, is_synced, key) = row;
    PasskeyRecord {
        id: CredentialId::new(id),
        user: UserId::new(user),
        name: name.into(),
        created_at: from_millis(created_at),
        used_at: used_at.map(from_millis),
        is_synced,
        key: key.into(),
    }
}

/// Returns the recovery codes of an account from its rows. Every row has the same salt, and a hash
/// if a code is left.
pub(crate) fn read_codes(
    rows: Vec<(Vec<u8>, Option<Vec<u8>>)>,
) -> Result<RecoveryCodes, StoreError> {
    let mut codes = RecoveryCodes::default();
    for (salt, hash) in rows {
        codes.salt = sized(salt)?;
        codes.hashes.extend(hash.map(sized).transpose()?);
    }
    Ok(codes)
}

/// Converts bytes to an array. Fails with `Unavailable` if the length differs.
pub(crate) fn sized<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_other_length| unreadable(WrongLength))
}

#[derive(Debug, thiserror::Error)]
#[error("a salt or a hash has the wrong length")]
struct WrongLength;
