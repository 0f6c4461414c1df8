//! State that the application keeps on each socket.

use std::{
    any::{Any, TypeId},
    ops::Deref,
    sync::{Arc, Mutex, OnceLock},
};

use doorward_core::lock;

/// State of type `T` that belongs to one socket.
///
/// Handlers take it as an argument, and [`Socket::data`](crate::Socket::data) returns it.
/// `T::default()` creates the value when it is first used. All handlers of the socket share the
/// value, so state that changes needs an atomic or a lock. The value is dropped when no handle to
/// it or to the socket is left.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use doorward::prelude::*;
///
/// #[derive(Default)]
/// struct Visits(AtomicU32);
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on("visit", |visits: SocketData<Visits>| async move {
///     visits.0.fetch_add(1, Ordering::Relaxed) + 1
/// });
/// ```
#[derive(Debug)]
pub struct SocketData<T>(Arc<T>);

impl<T> Deref for SocketData<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for SocketData<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Values of one socket, by type. They are kept in a list, because a socket has only a few.
#[derive(Default)]
pub(crate) struct DataMap {
    /// List of the values. The lock protects the list, not the values, and is held for one search.
    /// Most sockets have no values, and use only the memory of one pointer.
    values: OnceLock<Box<Mutex<Values>>>,
}

type Values = Vec<(TypeId, Arc<dyn Any + Send + Sync>)>;

impl DataMap {
    pub(crate) fn get<T: Default + Send + Sync + 'static>(&self) -> SocketData<T> {
        let mut values = lock(self.values.get_or_init(Box::default));
        let found = values.iter().find(|(id, _)| *id == TypeId::of::<T>());
        let value = match found {
            Some((_, value)) => Arc::clone(value),
            None => {
                // The value is created under the lock, so that two handlers that start at the same
                // time get the same value.
                let value: Arc<dyn Any + Send + Sync> = Arc::new(T::default());
                values.push((TypeId::of::<T>(), Arc::clone(&value)));
                value
            }
        };
        drop(values);
        SocketData(value.downcast().expect("values are found by their type"))
    }
}
