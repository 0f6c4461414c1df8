//! State of the application's own on each socket.

use std::{
    any::{Any, TypeId},
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// A value of type `T` that belongs to one socket, made by `T::default()` when it is first asked for.
///
/// Handlers share it, so what changes in it needs a lock or an atomic of its own.
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
/// # drop(gateway);
/// ```
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

impl<T: fmt::Debug> fmt::Debug for SocketData<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SocketData").field(&self.0).finish()
    }
}

/// The values of one socket, by type. There are few, so they are walked.
#[derive(Default)]
pub(crate) struct DataMap {
    /// Most sockets have none and pay one pointer. The lock protects the list, not the values.
    values: OnceLock<Box<Mutex<Values>>>,
}

type Values = Vec<(TypeId, Arc<dyn Any + Send + Sync>)>;

impl DataMap {
    pub(crate) fn get<T: Default + Send + Sync + 'static>(&self) -> SocketData<T> {
        let mut values =
            self.values.get_or_init(Box::default).lock().unwrap_or_else(PoisonError::into_inner);
        let found = values.iter().find(|(id, _)| *id == TypeId::of::<T>());
        let value = match found {
            Some((_, value)) => Arc::clone(value),
            None => {
                let value: Arc<dyn Any + Send + Sync> = Arc::new(T::default());
                values.push((TypeId::of::<T>(), Arc::clone(&value)));
                value
            }
        };
        drop(values);
        SocketData(value.downcast().expect("values are found by their type"))
    }
}
