//! Accounts, passkeys and recovery codes as rows, in SQLite and in PostgreSQL.
//!
//! Both databases understand the same statements, but their drivers have different types. The implementation
//! is therefore a macro, `account_store!`, with the types as arguments. Changes of several rows are in
//! [`changes`].

pub(crate) mod changes;
pub(crate) mod row;
pub(crate) mod statements;

/// Implements [`AccountStore`](doorward_core::AccountStore) for a store with the field `database`, which has the
/// methods `readers`, `write` and `execute`. `$hold` is a statement that selects an account and locks it until the
/// transaction ends.
macro_rules! account_store {
    ($store:ty, $connection:ty, hold: $hold:expr) => {
        mod account_store {
            use std::time::SystemTime;

            use doorward_core::{
                Account, AccountStore, BoxFuture, CreateAccountError, CredentialId, PasskeyRecord,
                PasskeyRemoval, PasskeyUse, RecoveryCodes, StoreError, StoreFuture, UserId,
            };
            use sqlx::{query, query_as, query_scalar};

            use $crate::{
                accounts::{
                    row::{self, AccountRow, PasskeyRow},
                    statements,
                },
                sqlx_error::failed,
                time::to_millis,
            };

            $crate::accounts::changes::account_changes!($connection, hold: $hold);

            impl AccountStore for $store {
                fn decoy_secret<'a>(
                    &'a self,
                    drawn: &'a [u8; 32],
                ) -> StoreFuture<'a, [u8; 32]> {
                    let drawn = *drawn;
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move {
                            let put = query(statements::PUT_DECOY_SECRET).bind(&drawn[..]);
                            put.execute(&mut *connection).await.map_err(failed)?;
                            let kept = query_scalar::<_, Vec<u8>>(statements::DECOY_SECRET);
                            row::sized(kept.fetch_one(connection).await.map_err(failed)?)
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
                            Box::pin(async move { changes::create(connection, &new, &first).await })
                        });
                        match created.await {
                            Ok(None) => Ok(()),
                            Ok(Some(taken)) => Err(taken),
                            // Another transaction has inserted the name or the passkey after the check. These
                            // reads find out which of them is taken.
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
                ) -> StoreFuture<'a, Option<Account>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(statements::BY_ID).bind(id.as_str());
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(row::read_account))
                    })
                }

                fn account_named<'a>(
                    &'a self,
                    name_key: &'a str,
                ) -> StoreFuture<'a, Option<Account>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(statements::BY_NAME).bind(name_key);
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(row::read_account))
                    })
                }

                fn list_accounts<'a>(
                    &'a self,
                    after: Option<&'a str>,
                    limit: u32,
                ) -> StoreFuture<'a, Vec<Account>> {
                    Box::pin(async move {
                        let found = query_as::<_, AccountRow>(statements::LIST)
                            .bind(after.unwrap_or_default())
                            .bind(i64::from(limit))
                            .fetch_all(self.database.readers());
                        let found = found.await.map_err(failed)?;
                        Ok(found.into_iter().map(row::read_account).collect())
                    })
                }

                fn set_disabled<'a>(
                    &'a self,
                    id: &'a UserId,
                    at: Option<SystemTime>,
                ) -> StoreFuture<'a, bool> {
                    let set = query(statements::SET_DISABLED);
                    let set = set.bind(id.as_str()).bind(at.map(to_millis));
                    Box::pin(self.database.execute(set))
                }

                fn remove_account<'a>(
                    &'a self,
                    id: &'a UserId,
                ) -> StoreFuture<'a, bool> {
                    let remove = query(statements::REMOVE).bind(id.as_str());
                    Box::pin(self.database.execute(remove))
                }

                fn add_passkey<'a>(
                    &'a self,
                    passkey: &'a PasskeyRecord,
                    limit: u32,
                ) -> StoreFuture<'a, bool> {
                    let passkey = passkey.clone();
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { changes::add_passkey(connection, &passkey, limit).await })
                    }))
                }

                fn passkey<'a>(
                    &'a self,
                    id: &'a CredentialId,
                ) -> StoreFuture<'a, Option<PasskeyRecord>> {
                    Box::pin(async move {
                        let found = query_as::<_, PasskeyRow>(statements::PASSKEY);
                        let found = found.bind(id.as_bytes());
                        let found = found.fetch_optional(self.database.readers()).await;
                        Ok(found.map_err(failed)?.map(row::read_passkey))
                    })
                }

                fn passkeys_of<'a>(
                    &'a self,
                    user: &'a UserId,
                ) -> StoreFuture<'a, Vec<PasskeyRecord>> {
                    Box::pin(async move {
                        let found = query_as::<_, PasskeyRow>(statements::PASSKEYS_OF);
                        let found = found.bind(user.as_str());
                        let found = found.fetch_all(self.database.readers()).await;
                        let found = found.map_err(failed)?;
                        Ok(found.into_iter().map(row::read_passkey).collect())
                    })
                }

                fn record_use<'a>(
                    &'a self,
                    id: &'a CredentialId,
                    signed_in: PasskeyUse<'a>,
                ) -> StoreFuture<'a, bool> {
                    let record = query(statements::RECORD_USE)
                        .bind(id.as_bytes())
                        .bind(signed_in.before)
                        .bind(signed_in.after)
                        .bind(signed_in.is_synced)
                        .bind(to_millis(signed_in.at));
                    Box::pin(self.database.execute(record))
                }

                fn rename_passkey<'a>(
                    &'a self,
                    user: &'a UserId,
                    id: &'a CredentialId,
                    name: &'a str,
                ) -> StoreFuture<'a, bool> {
                    let rename = query(statements::RENAME);
                    let rename = rename.bind(user.as_str()).bind(id.as_bytes()).bind(name);
                    Box::pin(self.database.execute(rename))
                }

                fn remove_passkey<'a>(
                    &'a self,
                    user: &'a UserId,
                    id: &'a CredentialId,
                ) -> StoreFuture<'a, PasskeyRemoval> {
                    let (user, id) = (user.clone(), id.clone());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { changes::remove_passkey(connection, &user, &id).await })
                    }))
                }

                fn put_recovery_codes<'a>(
                    &'a self,
                    user: &'a UserId,
                    codes: &'a RecoveryCodes,
                ) -> StoreFuture<'a, bool> {
                    let (user, codes) = (user.clone(), codes.clone());
                    Box::pin(self.database.write(move |connection| {
                        Box::pin(async move { changes::put_codes(connection, &user, &codes).await })
                    }))
                }

                fn recovery_codes<'a>(
                    &'a self,
                    user: &'a UserId,
                ) -> StoreFuture<'a, RecoveryCodes> {
                    Box::pin(async move {
                        let found = query_as(statements::CODES).bind(user.as_str());
                        let found = found.fetch_all(self.database.readers()).await;
                        row::read_codes(found.map_err(failed)?)
                    })
                }

                fn take_recovery_code<'a>(
                    &'a self,
                    user: &'a UserId,
                    hash: &'a [u8; 32],
                ) -> StoreFuture<'a, bool> {
                    let take = query(statements::TAKE_CODE).bind(user.as_str()).bind(&hash[..]);
                    Box::pin(self.database.execute(take))
                }
            }
        }
    };
}

pub(crate) use account_store;
