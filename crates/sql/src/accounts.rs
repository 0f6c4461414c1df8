//! Accounts, passkeys and recovery codes as rows, in SQLite and in PostgreSQL.
//!
//! Both databases understand the same statements, but the drivers have different types. The macro
//! `account_store!` therefore contains the implementation once, and gets the types as arguments. A change of
//! several rows runs in a transaction that locks the account's row.

mod row;

pub(crate) use row::{AccountRow, PasskeyRow, read_account, read_codes, read_passkey, sized};

/// Stores the secret of decoys unless there is one. The table can hold only one row.
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

/// Lists a page of accounts after a name. Unlike an offset, a name stays valid while accounts are created and removed.
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

/// Changes the passkey only if its key is still `$2`. Of two concurrent uses of a passkey, one fails.
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

/// Returns each code with the salt, or one row without a hash if all codes are used.
pub(crate) const CODES: &str = "SELECT salt, hash FROM recovery_salts AS salts \
    LEFT JOIN recovery_codes AS codes ON codes.user_id = salts.user_id WHERE salts.user_id = $1";

/// Uses up a recovery code. Of several concurrent statements, only one deletes the row.
pub(crate) const TAKE_CODE: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2";

/// Implements [`AccountStore`](doorward_core::AccountStore) for a store that has a `database` with `readers`
/// and `write`. `$hold` is a statement that selects an account and locks it until the transaction ends.
macro_rules! account_store {
    ($store:ty, $connection:ty, hold: $hold:expr) => {
        mod account_store {
            use std::time::SystemTime;

            use doorward_core::{
                Account, AccountStore, BoxFuture, CreateAccountError, CredentialId, PasskeyRecord,
                PasskeyRemoval, PasskeyUse, RecoveryCodes, StoreError, UserId,
            };
            use sqlx::{query, query_as, query_scalar};

            use $crate::{
                accounts::{self, AccountRow, PasskeyRow},
                sqlx_error::failed,
                time::to_millis,
            };

            type Connection = $connection;

            /// Locks an account until the transaction ends. Returns `false` if it does not exist.
            async fn hold(connection: &mut Connection, id: &UserId) -> Result<bool, StoreError> {
                let found = query_scalar::<_, i32>($hold).bind(id.as_str());
                Ok(found.fetch_optional(connection).await.map_err(failed)?.is_some())
            }

            async fn insert_passkey(
                connection: &mut Connection,
                passkey: &PasskeyRecord,
            ) -> Result<(), StoreError> {
                let insert = query(accounts::ADD_PASSKEY)
                    .bind(passkey.id.as_bytes())
                    .bind(passkey.user.as_str())
                    .bind(&*passkey.name)
                    .bind(to_millis(passkey.created_at))
                    .bind(passkey.used_at.map(to_millis))
                    .bind(passkey.is_synced)
                    .bind(&*passkey.key);
                insert.execute(connection).await.map_err(failed)?;
                Ok(())
            }

            /// Inserts an account with its first passkey, or returns the conflict that prevents it.
            ///
            /// The check runs in the transaction of the insertion. In SQLite no other change can come between
            /// them. In PostgreSQL one can, and the unique indexes make the insertion fail.
            async fn create(
                connection: &mut Connection,
                account: &Account,
                passkey: &PasskeyRecord,
            ) -> Result<Option<CreateAccountError>, StoreError> {
                let taken = query_scalar::<_, bool>(accounts::NAME_IS_TAKEN)
                    .bind(&*account.name_key)
                    .fetch_one(&mut *connection);
                if taken.await.map_err(failed)? {
                    return Ok(Some(CreateAccountError::NameTaken));
                }
                let taken = query_as::<_, PasskeyRow>(accounts::PASSKEY)
                    .bind(passkey.id.as_bytes())
                    .fetch_optional(&mut *connection);
                if taken.await.map_err(failed)?.is_some() {
                    return Ok(Some(CreateAccountError::PasskeyTaken));
                }
                let insert = query(accounts::CREATE)
                    .bind(account.id.as_str())
                    .bind(&*account.name)
                    .bind(&*account.name_key)
                    .bind(&*account.display_name)
                    .bind(to_millis(account.created_at))
                    .bind(account.disabled_at.map(to_millis));
                insert.execute(&mut *connection).await.map_err(failed)?;
                insert_passkey(connection, passkey).await?;
                Ok(None)
            }

            async fn add(
                connection: &mut Connection,
                passkey: &PasskeyRecord,
                limit: u32,
            ) -> Result<bool, StoreError> {
                if !hold(connection, &passkey.user).await? {
                    return Ok(false);
                }
                let count = query_scalar::<_, i64>(accounts::COUNT_PASSKEYS)
                    .bind(passkey.user.as_str())
                    .fetch_one(&mut *connection);
                if count.await.map_err(failed)? >= i64::from(limit) {
                    return Ok(false);
                }
                insert_passkey(connection, passkey).await?;
                Ok(true)
            }

            async fn remove_passkey(
                connection: &mut Connection,
                user: &UserId,
                id: &CredentialId,
            ) -> Result<PasskeyRemoval, StoreError> {
                if !hold(connection, user).await? {
                    return Ok(PasskeyRemoval::NotThere);
                }
                let removed = query(accounts::REMOVE_PASSKEY)
                    .bind(user.as_str())
                    .bind(id.as_bytes())
                    .execute(&mut *connection);
                if removed.await.map_err(failed)?.rows_affected() > 0 {
                    return Ok(PasskeyRemoval::Removed);
                }
                // Nothing was removed: the passkey is missing, or it is the last way to sign in.
                let is_there = query_scalar::<_, bool>(accounts::HAS_PASSKEY)
                    .bind(user.as_str())
                    .bind(id.as_bytes())
                    .fetch_one(connection);
                Ok(match is_there.await.map_err(failed)? {
                    true => PasskeyRemoval::LastOne,
                    false => PasskeyRemoval::NotThere,
                })
            }

            async fn put_codes(
                connection: &mut Connection,
                user: &UserId,
                codes: &RecoveryCodes,
            ) -> Result<bool, StoreError> {
                if !hold(connection, user).await? {
                    return Ok(false);
                }
                let salt = query(accounts::PUT_SALT).bind(user.as_str()).bind(&codes.salt[..]);
                salt.execute(&mut *connection).await.map_err(failed)?;
                let forget = query(accounts::FORGET_CODES).bind(user.as_str());
                forget.execute(&mut *connection).await.map_err(failed)?;
                for hash in &codes.hashes {
                    let put = query(accounts::PUT_CODE).bind(user.as_str()).bind(&hash[..]);
                    put.execute(&mut *connection).await.map_err(failed)?;
                }
                Ok(true)
            }

            impl AccountStore for $store {
                fn decoy_secret<'a>(
                    &'a self,
                    drawn: &'a [u8; 32],
                ) -> BoxFuture<'a, Result<[u8; 32], StoreError>> {
                    let drawn = *drawn;
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let put = query(accounts::PUT_DECOY_SECRET).bind(&drawn[..]);
                            put.execute(&mut *connection).await.map_err(failed)?;
                            let kept = query_scalar::<_, Vec<u8>>(accounts::DECOY_SECRET);
                            accounts::sized(kept.fetch_one(connection).await.map_err(failed)?)
                        })
                    }))
                }

                fn create_account<'a>(
                    &'a self,
                    account: &'a Account,
                    passkey: &'a PasskeyRecord,
                ) -> BoxFuture<'a, Result<(), CreateAccountError>> {
                    let (new, first) = (account.clone(), passkey.clone());
                    Box::pin(async move {
                        let created = self.database.write(move |connection| {
                            Box::pin(async move { create(connection, &new, &first).await })
                        });
                        match created.await {
                            Ok(None) => Ok(()),
                            Ok(Some(taken)) => Err(taken),
                            // Another transaction has inserted the name or the passkey after the check. A
                            // second look tells which of the two.
                            Err(StoreError::Exists) => {
                                let of_name = self.account_named(&account.name_key).await?;
                                let of_passkey = self.passkey(&passkey.id).await?;
                                Err(match (of_name, of_passkey) {
                                    (Some(_), _) => CreateAccountError::NameTaken,
                                    (None, Some(_)) => CreateAccountError::PasskeyTaken,
                                    (None, None) => StoreError::Exists.into(),
                                })
                            }
                            Err(error) => Err(error.into()),
                        }
                    })
                }

                fn account<'a>(
                    &'a self,
                    id: &'a UserId,
                ) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(accounts::BY_ID).bind(id.as_str());
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(accounts::read_account))
                    })
                }

                fn account_named<'a>(
                    &'a self,
                    name_key: &'a str,
                ) -> BoxFuture<'a, Result<Option<Account>, StoreError>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(accounts::BY_NAME).bind(name_key);
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(accounts::read_account))
                    })
                }

                fn list_accounts<'a>(
                    &'a self,
                    after: Option<&'a str>,
                    limit: u32,
                ) -> BoxFuture<'a, Result<Vec<Account>, StoreError>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(accounts::LIST)
                            .bind(after.unwrap_or_default())
                            .bind(i64::from(limit))
                            .fetch_all(self.database.readers());
                        let found = found.await.map_err(failed)?;
                        Ok(found.into_iter().map(accounts::read_account).collect())
                    })
                }

                fn set_disabled<'a>(
                    &'a self,
                    id: &'a UserId,
                    at: Option<SystemTime>,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let id = id.clone();
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let set = query(accounts::SET_DISABLED)
                                .bind(id.as_str())
                                .bind(at.map(to_millis));
                            Ok(set.execute(connection).await.map_err(failed)?.rows_affected() > 0)
                        })
                    }))
                }

                fn remove_account<'a>(
                    &'a self,
                    id: &'a UserId,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let id = id.clone();
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let removed = query(accounts::REMOVE).bind(id.as_str());
                            let removed = removed.execute(connection).await.map_err(failed)?;
                            Ok(removed.rows_affected() > 0)
                        })
                    }))
                }

                fn add_passkey<'a>(
                    &'a self,
                    passkey: &'a PasskeyRecord,
                    limit: u32,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let passkey = passkey.clone();
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { add(connection, &passkey, limit).await })
                    }))
                }

                fn passkey<'a>(
                    &'a self,
                    id: &'a CredentialId,
                ) -> BoxFuture<'a, Result<Option<PasskeyRecord>, StoreError>> {
                    Box::pin(async move {
                        let found = query_as::<_, PasskeyRow>(accounts::PASSKEY);
                        let found = found.bind(id.as_bytes());
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(accounts::read_passkey))
                    })
                }

                fn passkeys_of<'a>(
                    &'a self,
                    user: &'a UserId,
                ) -> BoxFuture<'a, Result<Vec<PasskeyRecord>, StoreError>> {
                    Box::pin(async move {
                        let found = query_as::<_, PasskeyRow>(accounts::PASSKEYS_OF);
                        let found = found.bind(user.as_str());
                        let found = found.fetch_all(self.database.readers()).await;
                        let found = found.map_err(failed)?;
                        Ok(found.into_iter().map(accounts::read_passkey).collect())
                    })
                }

                fn record_use<'a>(
                    &'a self,
                    id: &'a CredentialId,
                    signed_in: PasskeyUse<'a>,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let id = id.clone();
                    let PasskeyUse { before, after, is_synced, at } = signed_in;
                    let (before, after) = (before.to_vec(), after.to_vec());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let used = query(accounts::RECORD_USE)
                                .bind(id.as_bytes())
                                .bind(before)
                                .bind(after)
                                .bind(is_synced)
                                .bind(to_millis(at));
                            Ok(used.execute(connection).await.map_err(failed)?.rows_affected() > 0)
                        })
                    }))
                }

                fn rename_passkey<'a>(
                    &'a self,
                    user: &'a UserId,
                    id: &'a CredentialId,
                    name: &'a str,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let (user, id, name) = (user.clone(), id.clone(), name.to_owned());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let renamed = query(accounts::RENAME)
                                .bind(user.as_str())
                                .bind(id.as_bytes())
                                .bind(name);
                            let renamed = renamed.execute(connection).await.map_err(failed)?;
                            Ok(renamed.rows_affected() > 0)
                        })
                    }))
                }

                fn remove_passkey<'a>(
                    &'a self,
                    user: &'a UserId,
                    id: &'a CredentialId,
                ) -> BoxFuture<'a, Result<PasskeyRemoval, StoreError>> {
                    let (user, id) = (user.clone(), id.clone());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { remove_passkey(connection, &user, &id).await })
                    }))
                }

                fn put_recovery_codes<'a>(
                    &'a self,
                    user: &'a UserId,
                    codes: &'a RecoveryCodes,
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let (user, codes) = (user.clone(), codes.clone());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { put_codes(connection, &user, &codes).await })
                    }))
                }

                fn recovery_codes<'a>(
                    &'a self,
                    user: &'a UserId,
                ) -> BoxFuture<'a, Result<RecoveryCodes, StoreError>> {
                    Box::pin(async move {
                        let found = query_as(accounts::CODES).bind(user.as_str());
                        let found = found.fetch_all(self.database.readers()).await;
                        accounts::read_codes(found.map_err(failed)?)
                    })
                }

                fn take_recovery_code<'a>(
                    &'a self,
                    user: &'a UserId,
                    hash: &'a [u8; 32],
                ) -> BoxFuture<'a, Result<bool, StoreError>> {
                    let (user, hash) = (user.clone(), *hash);
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let taken =
                                query(accounts::TAKE_CODE).bind(user.as_str()).bind(&hash[..]);
                            let taken = taken.execute(connection).await.map_err(failed)?;
                            Ok(taken.rows_affected() > 0)
                        })
                    }))
                }
            }
        }
    };
}

pub(crate) use account_store;
