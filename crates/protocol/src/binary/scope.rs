//! Where attachments wait while one payload is written or read.
//!
//! serde hands a value nothing but its serializer, so the attachments lie beside it, in the thread,
//! for the time of one synchronous call. A guard puts back what was there before, also when the call
//! panics, so calls may stand inside each other. Most payloads have no attachments: they touch only
//! [`SCOPE`], which is plain data and therefore costs next to nothing.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

/// What the thread does at the moment. The numbers say how many attachments on top of the stack
/// belong to it.
#[derive(Clone, Copy)]
enum Scope {
    Outside,
    Reading(usize),
    Writing(usize),
}

thread_local! {
    static SCOPE: Cell<Scope> = const { Cell::new(Scope::Outside) };
    /// The attachments of all calls that stand inside each other, those of the innermost on top.
    static STACK: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

/// Returns what `write` returns, and the attachments it has left.
#[inline]
pub(crate) fn write<R>(write: impl FnOnce() -> R) -> (R, Vec<Bytes>) {
    let _guard = Guard::enter(Scope::Writing(0));
    let result = write();
    (result, take())
}

/// Runs `read` where it finds `attachments`.
#[inline]
pub(crate) fn read<R>(attachments: &[Bytes], read: impl FnOnce() -> R) -> R {
    let count = if attachments.is_empty() { 0 } else { push(attachments) };
    let _guard = Guard::enter(Scope::Reading(count));
    read()
}

pub(crate) fn is_reading() -> bool {
    matches!(SCOPE.get(), Scope::Reading(_))
}

/// Returns an attachment of the payload that is read.
pub(crate) fn attachment(number: u64) -> Option<Bytes> {
    let Scope::Reading(count) = SCOPE.get() else { return None };
    let number = usize::try_from(number).ok().filter(|number| *number < count)?;
    let from_top = count - number;
    let found = STACK.try_with(|stack| {
        let stack = stack.borrow();
        stack.get(stack.len().checked_sub(from_top)?).cloned()
    });
    found.ok().flatten()
}

/// Adds an attachment to the payload that is written, and returns its number.
///
/// The same bytes are one attachment, however often they stand in the payload: a client may refer to
/// one of its own a thousand times, and whoever passes that on would send it a thousand times.
pub(crate) fn attach(bytes: &Bytes) -> Option<usize> {
    let Scope::Writing(count) = SCOPE.get() else { return None };
    let added = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let first = stack.len().saturating_sub(count);
        // Where nothing is, nothing can be told apart by its place, and it costs nothing either.
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

/// Adds attachments whose placeholders are numbered already, from zero; returns whether they could
/// be added, which is so as long as they are the first.
pub(crate) fn attach_first(bytes: &[Bytes]) -> bool {
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
        drop(take());
        SCOPE.set(self.before);
    }
}

/// Takes the attachments of this call off the stack.
#[inline]
fn take() -> Vec<Bytes> {
    match SCOPE.replace(Scope::Outside) {
        Scope::Outside | Scope::Reading(0) | Scope::Writing(0) => Vec::new(),
        Scope::Reading(count) | Scope::Writing(count) => pop(count),
    }
}

/// Returns how many are there now: none in a thread that is being taken down.
#[cold]
fn push(attachments: &[Bytes]) -> usize {
    STACK
        .try_with(|stack| stack.borrow_mut().extend_from_slice(attachments))
        .map_or(0, |()| attachments.len())
}

/// What is dropped may be anybody's, so it must not be dropped while the stack is borrowed.
#[cold]
fn pop(count: usize) -> Vec<Bytes> {
    let popped = STACK.try_with(|stack| {
        let mut stack = stack.borrow_mut();
        let rest = stack.len().saturating_sub(count);
        stack.split_off(rest)
    });
    popped.unwrap_or_default()
}
