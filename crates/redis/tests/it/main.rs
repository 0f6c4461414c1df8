//! The store on a real server: the rules of every store, and everything that a server can do to it.

// `cfg(test)` is always true here; it tells the linter that the helpers are tests as well.
#[cfg(test)]
mod calls;
#[cfg(test)]
mod connecting;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod floor;
#[cfg(test)]
mod load;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod stored;
