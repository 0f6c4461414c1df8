//! Counts what strangers hold, by address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many of something each address has.
pub(crate) struct Addresses {
    limit: usize,
    /// Protects the counts; held for one map operation.
    counts: Mutex<HashMap<Key, usize>>,
}

/// An address as it counts, see [`network`]. A server that is not told the address of its peers counts them all as one.
type Key = Option<IpAddr>;

/// One of them; dropping it gives the place back.
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    key: Key,
}

impl Addresses {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, counts: Mutex::default() })
    }

    /// Takes a place, unless the address has used up its own.
    pub(crate) fn try_take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let key = address.map(network);
        let mut counts = self.lock();
        let count = counts.entry(key).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Place { addresses: Arc::clone(self), key })
    }

    /// Takes a place even beyond the limit, for a link that is there already.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Place {
        let key = address.map(network);
        *self.lock().entry(key).or_default() += 1;
        Place { addresses: Arc::clone(self), key }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.addresses.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// The network that one household can use as it likes, by which strangers are counted: an IPv6 address by
/// its first 64 bits, an IPv4 address whole.
///
/// # Examples
/// ```
/// let address = "2001:db8:1:2:3:4:5:6".parse().expect("it is an address");
/// assert_eq!(doorward::network(address).to_string(), "2001:db8:1:2::");
/// ```
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack 50.
    #[test]
    fn an_ipv6_household_counts_as_one_address() {
        let addresses = Addresses::new(1);

        let place = addresses.try_take(Some("2001:db8::1".parse().unwrap()));

        assert!(place.is_some());
        assert!(addresses.try_take(Some("2001:db8::2".parse().unwrap())).is_none());
        assert!(addresses.try_take(Some("2001:db8:0:1::1".parse().unwrap())).is_some());
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let addresses = Addresses::new(1);

        let place = addresses.try_take(Some("::ffff:203.0.113.7".parse().unwrap()));

        assert!(place.is_some());
        assert!(addresses.try_take(Some("203.0.113.7".parse().unwrap())).is_none());
    }

    #[test]
    fn a_place_that_is_given_back_leaves_nothing_behind() {
        let addresses = Addresses::new(1);

        drop(addresses.try_take(None));
        drop(addresses.take(None));

        assert!(addresses.lock().is_empty());
        assert!(addresses.try_take(None).is_some());
    }
}
