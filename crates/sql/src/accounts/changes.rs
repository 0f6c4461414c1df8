//! Changes of several rows of an account, each in one transaction.
//!
//! A change of an existing account first locks the row of the account, so that such changes run one after the
//! other.

/// Defines the module `changes` for one driver. `$hold` is a statement that selects an account and locks it
/// until the transaction ends.
macro_rules! account_changes {
    ($connection:ty, hold: $hold:expr) => {
        mod changes {
            use doorward_core::{
                Account, CreateAccountError, CredentialId, PasskeyRecord, PasskeyRemoval,
                RecoveryCodes, StoreError, UserId,
            };
            use sqlx::{query, query_as, query_scalar};

            use $crate::{
                accounts::{row::PasskeyRow, statements},
                sqlx_error::failed,
                time::to_millis,
            };

            type Connection = $connection;

            /// Locks an account until the transaction ends. Returns `false` if the account does not exist.
            async fn hold(connection: &mut Connection, id: &UserId) -> Result<bool, StoreError> {
                let found = query_scalar::<_, i32>($hold).bind(id.as_str());
                Ok(found.fetch_optional(connection).await.map_err(failed)?.is_some())
            }

            async fn insert_passkey(
                connection: &mut Connection,
                passkey: &PasskeyRecord,
            ) -> Result<(), StoreError> {
                let insert = query(statements::ADD_PASSKEY)
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
            /// The check and the insertion are in one transaction. In SQLite, no other change can run in between.
            /// In PostgreSQL, another change can run in between, and the unique indexes then make the insertion
            /// fail.
            pub(super) async fn create(
                connection: &mut Connection,
                account: &Account,
                passkey: &PasskeyRecord,
            ) -> Result<Option<CreateAccountError>, StoreError> {
                let taken = query_scalar::<_, bool>(statements::NAME_IS_TAKEN)
                    .bind(&*account.name_key)
                    .fetch_one(&mut *connection);
                if taken.await.map_err(failed)? {
                    return Ok(Some(CreateAccountError::NameTaken));
                }
                let taken = query_as::<_, PasskeyRow>(statements::PASSKEY)
                    .bind(passkey.id.as_bytes())
                    .fetch_optional(&mut *connection);
                if taken.await.map_err(failed)?.is_some() {
                    return Ok(Some(CreateAccountError::PasskeyTaken));
                }
                let insert = query(statements::CREATE)
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

            pub(super) async fn add_passkey(
                connection: &mut Connection,
                passkey: &PasskeyRecord,
                limit: u32,
            ) -> Result<bool, StoreError> {
                if !hold(connection, &passkey.user).await? {
                    return Ok(false);
                }
                let count = query_scalar::<_, i64>(statements::COUNT_PASSKEYS)
                    .bind(passkey.user.as_str())
                    .fetch_one(&mut *connection);
                if count.await.map_err(failed)? >= i64::from(limit) {
                    return Ok(false);
                }
                insert_passkey(connection, passkey).await?;
                Ok(true)
            }

            pub(super) async fn remove_passkey(
                connection: &mut Connection,
                user: &UserId,
                id: &CredentialId,
            ) -> Result<PasskeyRemoval, StoreError> {
                if !hold(connection, user).await? {
                    return Ok(PasskeyRemoval::NotThere);
                }
                let removed = query(statements::REMOVE_PASSKEY)
                    .bind(user.as_str())
                    .bind(id.as_bytes())
                    .execute(&mut *connection);
                if removed.await.map_err(failed)?.rows_affected() > 0 {
                    return Ok(PasskeyRemoval::Removed);
                }
                // Nothing was removed, because the passkey is missing or is the last way to sign in.
                let is_there = query_scalar::<_, bool>(statements::HAS_PASSKEY)
                    .bind(user.as_str())
                    .bind(id.as_bytes())
                    .fetch_one(connection);
                Ok(match is_there.await.map_err(failed)? {
                    true => PasskeyRemoval::LastOne,
                    false => PasskeyRemoval::NotThere,
                })
            }

            pub(super) async fn put_codes(
                connection: &mut Connection,
                user: &UserId,
                codes: &RecoveryCodes,
            ) -> Result<bool, StoreError> {
                if !hold(connection, user).await? {
                    return Ok(false);
                }
                let salt = query(statements::PUT_SALT).bind(user.as_str()).bind(&codes.salt[..]);
                salt.execute(&mut *connection).await.map_err(failed)?;
                let forget = query(statements::FORGET_CODES).bind(user.as_str());
                forget.execute(&mut *connection).await.map_err(failed)?;
                for hash in &codes.hashes {
                    let put = query(statements::PUT_CODE).bind(user.as_str()).bind(&hash[..]);
                    put.execute(&mut *connection).await.map_err(failed)?;
                }
                Ok(true)
            }
        }
    };
}

pub(crate) use account_changes;
