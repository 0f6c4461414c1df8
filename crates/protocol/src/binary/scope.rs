//! Keeps the attachments of a payload while it is serialized or deserialized.
//!
//! serde gives a value access to its serializer only. The attachments are therefore kept in a
//! thread local for the duration of one synchronous call. A guard restores the previous state even
//! if the call panics, so calls may nest. Most payloads have no attachments and use only [`SCOPE`],
//! which is plain data and costs almost nothing.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

/// State of the current thread. `Reading` and `Writing` hold the number of attachments on top of
/// [`STACK`] that belong to the current call.
#[derive(Clone, Copy)]
enum Scope {
    Outside,
    Reading(usize),
    Writing(usize),
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
    /// Attachments of all nested calls. The attachments of the innermost call are on top.
    static STACK: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

/// Runs `write`, and returns its result with the attachments that `write` has added.
#[inline]
pub(crate) fn write<R>(write: impl FnOnce() -> R) -> (R, Vec<Bytes>) {
    let _guard = Guard::enter(Scope::Writing(0));
    let result = write();
    (result, take())
}

/// Runs `read`. During the call, [`attachment`] finds the `attachments` by their numbers.
#[inline]
pub(crate) fn read<R>(attachments: &[Bytes], read: impl FnOnce() -> R) -> R {
    let count = if attachments.is_empty() { 0 } else { push(attachments) };
    let _guard = Guard::enter(Scope::Reading(count));
    read()
}

pub(crate) fn is_reading() -> bool {
    matches!(SCOPE.get(), Scope::Reading(_))
}

/// Returns an attachment of the payload that is being deserialized, or `None` if `number` is out of
/// range.
pub(crate) fn attachment(number: u64) -> Option<Bytes> {
    let Scope::Reading(count) = SCOPE.get() else { return None };
    // A number that is out of range returns `None` in this line or in the next lookup.
    let from_top = count.checked_sub(usize::try_from(number).ok()?)?;
    let found = STACK.try_with(|stack| {
        let stack = stack.borrow();
        stack.get(stack.len().checked_sub(from_top)?).cloned()
    });
    found.ok().flatten()
}

/// Adds an attachment to the payload that is being serialized, and returns its number. Returns
/// `None` if no packet is being written.
///
/// If the same buffer occurs several times, it becomes one attachment. A client may refer to one
/// attachment a thousand times, and the relayed packet must contain it only once.
pub(crate) fn attach(bytes: &Bytes) -> Option<usize> {
    let Scope::Writing(count) = SCOPE.get() else { return None };
    let added = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let first = stack.len().saturating_sub(count);
        // Buffers are compared by address, because comparing their content would take time. Empty
        // buffers have no unique address, and sending them again costs nothing.
        let is_same = |other: &Bytes| {
            !bytes.is_empty() && other.as_ptr() == bytes.as_ptr() && other.len() == bytes.len()
        };
        if let Some(number) = stack.iter().skip(first).position(is_same) {
            return number;
        }
        stack.push(bytes.clone());
        count
    });
    let number = added.ok()?;
    SCOPE.set(Scope::Writing(count.max(number + 1)));
    Some(number)
}

/// Adds attachments whose placeholders are already numbered from zero. Returns `false` if the
/// packet already has attachments, or if no packet is being written.
pub(crate) fn attach_first(bytes: &[Bytes]) -> bool {
    // Any earlier attachment would have taken the number zero.
    let is_first = matches!(SCOPE.get(), Scope::Writing(0));
    is_first && push(bytes) == bytes.len() && {
        SCOPE.set(Scope::Writing(bytes.len()));
        true
    }
}

struct Guard {
    before: Scope,
}

impl Guard {
    #[inline]
    fn enter(scope: Scope) -> Self {
        Self { before: SCOPE.replace(scope) }
    }
}

impl Drop for Guard {
    #[inline]
    fn drop(&mut self) {
        // This also runs while a panic unwinds, so that the next call on this thread does not find
        // the attachments of the failed call.
        drop(take());
        SCOPE.set(self.before);
    }
}

/// Removes the attachments of the current call from the stack and returns them.
#[inline]
fn take() -> Vec<Bytes> {
    match SCOPE.replace(Scope::Outside) {
        Scope::Outside | Scope::Reading(0) | Scope::Writing(0) => Vec::new(),
        Scope::Reading(count) | Scope::Writing(count) => pop(count),
    }
}

/// Pushes attachments and returns the number of pushed attachments. Returns 0 if the thread is
/// being shut down.
#[cold]
fn push(attachments: &[Bytes]) -> usize {
    STACK
        .try_with(|stack| stack.borrow_mut().extend_from_slice(attachments))
        .map_or(0, |()| attachments.len())
}

/// Removes the last `count` attachments from the stack and returns them.
///
/// The caller must drop them after the borrow of the stack has ended, because dropping a buffer may
/// run foreign code that uses this module.
#[cold]
fn pop(count: usize) -> Vec<Bytes> {
    let popped = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let rest = stack.len().saturating_sub(count);
        stack.split_off(rest)
    });
    popped.unwrap_or_default()
}
