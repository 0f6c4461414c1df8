//! Rules that stores must satisfy, written as tests.
//!
//! A rule is an async function whose name is a sentence. It gets an empty store and panics if the store breaks the
//! rule. [`conformance!`](crate::conformance!) generates a `#[test]` for each rule. Testing a store therefore takes
//! one line, and a failure names the rule. The rules follow from the documentation of the traits in `doorward_core`
//! and demand no more. For example, a store may expire entries automatically. The documentation of a rule names
//! attacks by their numbers in `docs/attacks.md`. Start reading at [`Subject`].

pub mod accounts;
mod at_once;
pub mod bus;
pub mod cluster;
pub mod revocations;
mod samples;
pub mod seats;
pub mod sessions;
#[cfg(test)]
mod tests;
pub mod tickets;
pub mod together;

use std::{future::Future, sync::Arc};

use doorward_core::{BoxFuture, RevocationStore, SessionStore, StoreError, TicketStore};
use tokio::runtime::Builder;

/// Store to test, with the resources that must live as long as the store, such as a folder or a server.
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
    /// Type of the store, such as a [`SessionStore`] or an [`AccountStore`](doorward_core::AccountStore).
    type Store;

    /// Returns the store. Every call returns the same store.
    fn store(&self) -> Arc<Self::Store>;

    /// Returns all data that the store has written outside of this process, as text. An attacker with access to the
    /// file or the server would see the same data. Bytes must appear as they are and as lower-case hex. A store in
    /// memory returns an empty string.
    fn dump(&self) -> BoxFuture<'_, String>;
}

/// A store of sessions, tickets and revocations.
///
/// # Examples
/// ```
/// use doorward_testkit::conformance::Stores;
///
/// fn check(store: &impl Stores) {}
/// ```
pub trait Stores: SessionStore + TicketStore + RevocationStore {}

impl<S: SessionStore + TicketStore + RevocationStore> Stores for S {}

/// Result of a rule. A rule that is broken panics. An error means that the store did not answer, and also fails the
/// test.
pub type Outcome = Result<(), StoreError>;

/// Runs one rule to its end on a runtime with several threads.
///
/// # Examples
/// ```
/// doorward_testkit::conformance::run(async { Ok(()) });
/// ```
///
/// # Panics
/// If the rule is broken or the store does not answer.
pub fn run(rule: impl Future<Output = Outcome>) {
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.expect("a runtime can be had");
    runtime.block_on(rule).expect("the store answers");
}

/// Number of worker threads. A small machine has fewer cores, so the threads are preempted at any point.
const WORKERS: usize = 4;

/// Generates a `#[test]` for each rule. The argument is an async function that creates a
/// [`Subject`](crate::conformance::Subject) with a new, empty store. The store must implement the traits of the
/// selected rules.
///
/// | invocation | tested store |
/// |---|---|
/// | `conformance!(make)` | a store of sessions, tickets and revocations, with the rules of `sessions`, `tickets`, `revocations` and `together` |
/// | `conformance!(accounts: make)` | an [`AccountStore`](doorward_core::AccountStore) |
/// | `conformance!(sessions: make)` | a [`SessionStore`](doorward_core::SessionStore) |
/// | `conformance!(tickets: make)` | a [`TicketStore`](doorward_core::TicketStore) |
/// | `conformance!(revocations: make)` | a [`RevocationStore`](doorward_core::RevocationStore) |
/// | `conformance!(seats: make)` | a [`SeatStore`](doorward_core::SeatStore); `make` returns a guard that is kept until the rule ends, and the store |
/// | `conformance!(cluster: make)` | a [`Cluster`](doorward_core::cluster::Cluster); `make` returns a guard that is kept until the rule ends, and a function that creates the node with a name |
/// | `conformance!(together: make)` | a store of sessions, tickets and revocations, with the rules about several of these |
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
        $crate::conformance!(revocations: $make);
        $crate::conformance!(together: $make);
    };
    (accounts: $make:path) => {
        $crate::conformance!(rules of accounts for $make:
            an_account_is_read_back_as_written,
            an_account_that_was_never_created_is_absent,
            a_taken_name_or_passkey_makes_no_account,
            of_many_sign_ups_with_one_name_at_once_one_succeeds,
            of_many_accounts_with_one_passkey_at_once_one_is_made,
            accounts_are_listed_by_name,
            an_account_is_disabled_and_enabled,
            a_removed_account_leaves_nothing_behind,
            passkeys_are_added_up_to_a_limit,
            passkeys_that_are_added_at_once_do_not_exceed_the_limit,
            a_use_is_recorded_only_if_the_key_is_unchanged,
            of_many_uses_of_one_counter_at_once_one_is_recorded,
            a_passkey_is_renamed_by_its_owner,
            the_last_passkey_is_removed_only_if_a_recovery_code_is_left,
            of_all_passkeys_removed_at_once_one_is_kept,
            recovery_codes_are_replaced_as_a_whole,
            a_recovery_code_is_good_once,
            the_secret_of_decoys_is_drawn_once,
        );
    };
    (sessions: $make:path) => {
        $crate::conformance!(rules of sessions for $make:
            a_session_is_found_by_its_token_and_by_its_id,
            a_session_that_was_never_created_is_absent,
            a_taken_key_or_id_is_never_overwritten,
            every_field_is_read_back_as_written,
            times_are_kept_to_the_millisecond,
            sessions_of_a_user_are_listed_in_order_of_creation,
            users_with_similar_names_do_not_share_sessions,
            activity_extends_a_session_and_never_shortens_it,
            an_expired_session_is_not_revived,
            no_activity_extends_a_session_beyond_its_end,
            a_rotated_session_keeps_its_id_and_its_old_token_opens_nothing,
            a_rotation_updates_the_time_of_sign_in_only_if_given,
            a_rotation_to_a_taken_key_changes_nothing,
            data_is_replaced_as_a_whole,
            a_removed_session_is_absent_everywhere,
            a_sweep_removes_only_sessions_that_may_be_forgotten,
            an_expired_session_is_found_until_it_may_be_forgotten,
            of_many_creations_with_one_key_at_once_one_succeeds,
            of_many_creations_with_one_id_at_once_one_succeeds,
            of_many_removals_of_a_session_at_once_one_succeeds,
            of_many_rotations_at_once_one_token_is_left,
            changes_at_once_do_not_undo_each_other,
            an_abandoned_change_is_complete_or_absent,
            many_tasks_at_once_neither_hang_nor_lose_data,
        );
    };
    (tickets: $make:path) => {
        $crate::conformance!(rules of tickets for $make:
            a_ticket_is_read_back_as_written,
            an_unknown_ticket_is_absent,
            a_ticket_is_given_out_once,
            of_many_takers_of_a_ticket_at_once_one_gets_it,
            a_ticket_is_never_overwritten,
            of_many_writers_of_a_ticket_at_once_one_succeeds,
        );
    };
    (revocations: $make:path) => {
        $crate::conformance!(rules of revocations for $make:
            a_user_is_not_revoked_at_first,
            a_revocation_ends_earlier_credentials_and_no_later_ones,
            generations_grow_even_if_the_clock_goes_back,
            the_time_of_a_revocation_is_never_rounded_down,
            a_revocation_does_not_touch_users_with_similar_names,
            an_ended_session_takes_its_tokens_with_it_and_no_others,
            an_ended_token_is_ended_alone,
            a_session_and_a_token_may_have_the_same_id,
            ending_a_session_or_token_is_idempotent,
            revocations_at_once_begin_generations_of_their_own,
        );
    };
    (together: $make:path) => {
        $crate::conformance!(rules of together for $make:
            a_revocation_removes_all_sessions_of_its_user_and_no_others,
            an_ended_session_is_removed_and_others_of_its_user_are_kept,
            an_unknown_session_can_be_ended,
            revocations_are_remembered_long_enough,
            a_session_created_during_a_revocation_is_removed_or_revoked,
            an_abandoned_revocation_is_complete_or_absent,
            all_operations_at_once_neither_hang_nor_lose_data,
        );
        $crate::conformance!(rules about dumps of together for $make:
            stored_data_contains_no_usable_secret,
        );
    };
    (seats: $make:path) => {
        $crate::conformance!(rules with one of seats for $make:
            a_link_is_as_old_as_its_first_socket,
            a_link_without_sockets_becomes_the_youngest,
            a_lost_seat_is_not_given_back_twice,
            a_replaced_socket_does_not_delay_other_namespaces,
            a_replaced_socket_still_counts,
            a_reservation_is_lost_with_its_link,
            a_seat_that_is_dropped_is_free,
            a_user_has_as_many_seats_as_the_policy_says,
            both_limits_hold_at_once,
            every_new_socket_waits_for_a_replaced_one,
            namespaces_have_seats_of_their_own_if_configured,
            no_more_seats_are_lost_than_needed,
            of_many_at_once_as_many_sit_as_there_are_seats,
            of_many_at_once_no_two_replace_each_other,
            the_oldest_is_replaced_when_the_seat_is_taken,
            the_sockets_of_a_link_share_a_seat,
            the_stricter_of_two_policies_for_a_namespace_holds,
        );
    };
    (cluster: $make:path) => {
        $crate::conformance!(rules with nodes of cluster for $make:
            members_know_each_other,
            a_node_that_joins_again_is_another_member,
            orders_are_read_as_written,
            a_stored_revocation_is_an_order,
            every_member_of_a_receipt_answers,
            a_renewal_confirms_what_was_read,
            one_member_owns_a_name,
            an_owner_that_asks_again_has_another_number,
        );
        $crate::conformance!(rules with nodes of bus for $make:
            messages_arrive_in_order,
            a_subscription_is_complete,
            other_channels_are_not_heard,
            a_new_connection_begins_anew,
            names_and_contents_may_be_anything,
            a_bus_must_be_open,
            a_dropped_wait_loses_no_message,
        );
    };
    (rules with one of $part:ident for $make:path: $($rule:ident,)+) => { $(
        #[test]
        fn $rule() {
            $crate::conformance::run(async {
                let (_kept, one) = $make().await;
                $crate::conformance::$part::$rule(one).await;
                Ok(())
            });
        }
    )+ };
    (rules with nodes of $part:ident for $make:path: $($rule:ident,)+) => { $(
        #[test]
        fn $rule() {
            $crate::conformance::run(async {
                let (_kept, node) = $make().await;
                $crate::conformance::$part::$rule(node).await
            });
        }
    )+ };
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
