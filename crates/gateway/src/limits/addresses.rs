//! Limits how many links, connections or requests each address holds.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex},
};

use doorward_core::lock;

/// Limits the number of places that each address may hold. A place is a connection, a link or a
/// request, depending on the instance.
pub(crate) struct Addresses {
    limit: usize,
    /// Protects the counts; held for one map operation.
    counts: Mutex<HashMap<Key, usize>>,
}

/// Address in the form in which it is counted (see [`network`]). All clients without a known
/// address share the key `None`.
type Key = Option<IpAddr>;

/// A place that an address holds. Dropping it frees the place.
pub(crate) struct Place {
    addresses: Arc<Addresses>,
    key: Key,
}

impl Addresses {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, counts: Mutex::default() })
    }

    /// Takes a place of an address. Returns `None` if the address has no place left.
    pub(crate) fn try_take(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let key = address.map(network);
        let mut counts = lock(&self.counts);
        let count = counts.entry(key).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Place { addresses: Arc::clone(self), key })
    }

    /// Takes a place of an address even beyond the limit, for a link that is already open.
    pub(crate) fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Place {
        let key = address.map(network);
        *lock(&self.counts).entry(key).or_default() += 1;
        Place { addresses: Arc::clone(self), key }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.addresses.counts);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// Returns the network by which unauthenticated clients are counted: the first 64 bits of an IPv6
/// address, or the whole IPv4 address.
///
/// One subscriber can use all addresses with the same first 64 bits, because the interface
/// identifier in the other 64 bits is free to choose (RFC 4291, section 2.5.1).
///
/// # Examples
/// ```
/// let address = "2001:db8:1:2:3:4:5:6".parse().expect("it is an address");
/// assert_eq!(doorward::__private::network(address).to_string(), "2001:db8:1:2::");
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
    fn a_place_that_was_dropped_leaves_no_count_behind() {
        let addresses = Addresses::new(1);

        drop(addresses.try_take(None));
        drop(addresses.take(None));

        assert!(lock(&addresses.counts).is_empty());
        assert!(addresses.try_take(None).is_some());
    }
}
