//! The rules that every store keeps, written as tests.
//!
//! A rule is an async function with a sentence for a name: it gets a store that is empty, and fails when
//! the store breaks the rule. [`conformance!`](crate::conformance!) makes one `#[test]` of each, so that an
//! implementation is one line and a failure names the rule. The rules are what `doorward_core` promises
//! in its traits, and nothing else: a store that forgets by itself may do so.
//! Start reading at [`Subject`].

pub mod accounts;
mod at_once;
pub mod epochs;
mod samples;
pub mod seats;
pub mod sessions;
#[cfg(test)]
mod tests;
pub mod tickets;
pub mod together;

use std::{future::Future, sync::Arc};

use doorward_core::{BoxFuture, StoreError};
use tokio::runtime::Builder;

/// A store to test, together with whatever must live as long as it does: a folder, a server.
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use doorward_core::BoxFuture;
/// use doorward_testkit::conformance::Subject;
///
/// struct InMemory<S>(Arc<S>);
///
/// impl<S: Send + Sync> Subject for InMemory<S> {
///     type Store = S;
///     fn store(&self) -> Arc<S> { self.0.clone() }
///     fn dump(&self) -> BoxFuture<'_, String> { Box::pin(std::future::ready(String::new())) }
/// }
/// ```
pub trait Subject: Send + Sync {
    /// The store.
    type Store;

    /// Returns the store; each call the same one.
    fn store(&self) -> Arc<Self::Store>;

    /// Returns everything that the store has written down outside of this process, as text: what a
    /// thief of the file or a reader of the server would see. Bytes are to stand there as they are and
    /// as lower-case hex. A store that writes nothing down returns nothing.
    fn dump(&self) -> BoxFuture<'_, String>;
}

/// How a rule ends that was not broken: a store that does not answer breaks every rule.
pub type Outcome = Result<(), StoreError>;

/// Runs one rule to its end, on a runtime with several threads.
///
/// # Examples
/// ```
/// doorward_testkit::conformance::run(async { Ok(()) });
/// ```
///
/// # Panics
/// When the rule is broken.
pub fn run(rule: impl Future<Output = Outcome>) {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.expect("a runtime can be had");
    runtime.block_on(rule).expect("the store answers");
}

/// More than the smallest machine has cores, so that tasks interrupt each other everywhere.
const WORKERS: usize = 4;

/// Makes one `#[test]` of each rule. What follows is an async function that makes a new, empty store: a
/// [`Subject`](crate::conformance::Subject) or, for a part of the rules, one whose store keeps that part.
///
/// | written | tests |
/// |---|---|
/// | `conformance!(make)` | everything: a store of sessions, tickets and revocations |
/// | `conformance!(accounts: make)` | an [`AccountStore`](doorward_core::AccountStore) |
/// | `conformance!(sessions: make)` | a [`SessionStore`](doorward_core::SessionStore) |
/// | `conformance!(tickets: make)` | a [`TicketStore`](doorward_core::TicketStore) |
/// | `conformance!(epochs: make)` | an [`Epochs`](doorward_core::Epochs) |
/// | `conformance!(together: make)` | what a store of all three promises besides |
///
/// # Examples
/// ```
/// use doorward_testkit::conformance;
/// # use doorward_testkit::conformance::Subject;
///
/// # async fn an_empty_store() -> impl Subject<Store = Nothing> { Nothing }
/// # struct Nothing;
/// # impl Subject for Nothing {
/// #     type Store = Self;
/// #     fn store(&self) -> std::sync::Arc<Self> { std::sync::Arc::new(Self) }
/// #     fn dump(&self) -> doorward_core::BoxFuture<'_, String> { unreachable!() }
/// # }
/// conformance!(an_empty_store);
/// ```
#[macro_export]
macro_rules! conformance {
    ($make:path) => {
        $crate::conformance!(sessions: $make);
        $crate::conformance!(tickets: $make);
        $crate::conformance!(epochs: $make);
        $crate::conformance!(together: $make);
    };
    (accounts: $make:path) => {
        $crate::conformance!(rules of accounts for $make:
            an_account_comes_back_as_it_was_written,
            nobody_has_an_account_at_first,
            a_taken_name_or_passkey_makes_no_account,
            of_many_who_want_a_name_at_once_one_gets_it,
            of_many_accounts_with_one_passkey_at_once_one_is_made,
            accounts_are_listed_by_name,
            an_account_is_disabled_and_enabled,
            a_removed_account_leaves_nothing_behind,
            passkeys_are_added_up_to_a_limit,
            passkeys_that_are_added_at_once_do_not_exceed_the_limit,
            a_use_is_written_down_when_nobody_was_faster,
            of_many_uses_of_one_counter_at_once_one_is_written_down,
            a_passkey_is_renamed_by_its_owner,
            the_last_passkey_goes_only_when_there_is_a_code,
            of_the_last_passkeys_that_are_removed_at_once_one_stays,
            recovery_codes_are_replaced_as_a_whole,
            a_recovery_code_is_good_once,
            the_secret_of_decoys_is_drawn_once,
        );
    };
    (sessions: $make:path) => {
        $crate::conformance!(rules of sessions for $make:
            a_session_is_found_by_its_token_and_by_its_id,
            a_session_that_was_never_made_is_not_there,
            a_taken_key_or_id_is_never_overwritten,
            every_field_comes_back_as_it_was_written,
            times_are_kept_to_the_millisecond,
            sessions_of_a_user_come_in_the_order_in_which_they_were_made,
            users_with_similar_names_do_not_share_sessions,
            a_sign_of_life_moves_a_session_forward_and_never_back,
            a_session_that_is_over_stays_over,
            no_sign_of_life_prolongs_a_session_beyond_its_end,
            a_rotated_session_keeps_its_id_and_its_old_token_opens_nothing,
            a_rotation_says_when_its_user_was_there_if_they_were,
            a_rotation_to_a_taken_key_changes_nothing,
            data_is_replaced_as_a_whole,
            a_removed_session_is_gone_from_everywhere,
            a_sweep_forgets_what_it_may_and_nothing_else,
            a_session_that_is_over_is_found_until_it_may_be_forgotten,
            of_many_who_take_a_key_at_once_one_gets_it,
            of_many_who_take_an_id_at_once_one_gets_it,
            of_many_who_remove_a_session_at_once_one_did_it,
            of_many_rotations_at_once_one_token_is_left,
            changes_at_once_do_not_undo_each_other,
            a_change_that_was_abandoned_is_whole_or_was_not_made,
            many_at_once_neither_hang_nor_lose,
        );
    };
    (tickets: $make:path) => {
        $crate::conformance!(rules of tickets for $make:
            a_ticket_comes_back_as_it_was_put,
            an_unknown_ticket_is_not_there,
            a_ticket_is_given_out_once,
            of_many_who_take_a_ticket_at_once_one_gets_it,
            a_ticket_is_never_overwritten,
            of_many_who_put_a_ticket_at_once_one_did_it,
        );
    };
    (epochs: $make:path) => {
        $crate::conformance!(rules of epochs for $make:
            nobody_is_revoked_at_first,
            a_revocation_ends_what_was_made_until_then_and_nothing_made_later,
            a_generation_only_grows_also_when_the_clock_goes_back,
            the_time_of_a_revocation_is_never_rounded_to_before_it,
            a_revocation_does_not_touch_users_with_similar_names,
            an_ended_session_takes_its_tokens_with_it_and_no_others,
            an_ended_token_is_ended_alone,
            a_session_and_a_token_of_the_same_name_are_two_things,
            ending_something_twice_is_ending_it_once,
            revocations_at_once_begin_generations_of_their_own,
        );
    };
    (together: $make:path) => {
        $crate::conformance!(rules of together for $make:
            a_revoked_user_has_no_session_left_and_everybody_else_has_theirs,
            an_ended_session_is_gone_and_the_others_of_its_user_are_not,
            a_session_that_is_not_there_can_be_ended,
            what_was_revoked_is_remembered_long_enough,
            a_session_that_is_made_while_its_user_is_revoked_is_gone_or_does_not_hold,
            a_revocation_that_was_abandoned_is_whole_or_was_not_made,
            everything_at_once_neither_hangs_nor_loses,
        );
        $crate::conformance!(rules about dumps of together for $make:
            what_is_written_down_opens_nothing,
        );
    };
    (rules of $part:ident for $make:path: $($rule:ident,)+) => { $(
        #[test]
        fn $rule() {
            $crate::conformance::run(async {
                let subject = $make().await;
                let store = $crate::conformance::Subject::store(&subject);
                $crate::conformance::$part::$rule(store).await
            });
        }
    )+ };
    (rules about dumps of $part:ident for $make:path: $($rule:ident,)+) => { $(
        #[test]
        fn $rule() {
            $crate::conformance::run(async {
                let subject = $make().await;
                $crate::conformance::$part::$rule(&subject).await
            });
        }
    )+ };
}
