//! What all connections share: how many there are, and how many bytes they hold.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in pieces of this many bytes.
const PIECE: usize = 16 * 1024;

pub(super) struct Limits {
    max_connections: usize,
    max_per_address: usize,
    /// By network, so that one host with 2^64 addresses is one.
    open: Mutex<HashMap<IpAddr, usize>>,
    memory: Arc<Semaphore>,
}

/// A connection that is counted until it is dropped.
pub(super) struct Seat {
    limits: Arc<Limits>,
    network: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    All,
    Address,
}

impl Limits {
    pub fn new(max_connections: usize, max_per_address: usize, max_held_bytes: usize) -> Arc<Self> {
        let pieces = max_held_bytes.div_ceil(PIECE).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            max_connections,
            max_per_address,
            open: Mutex::default(),
            memory: Arc::new(Semaphore::new(pieces)),
        })
    }

    pub fn seat(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        let network = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.max_connections {
            return Err(Full::All);
        }
        let count = open.entry(network).or_default();
        if *count >= self.max_per_address {
            return Err(Full::Address);
        }
        *count += 1;
        Ok(Seat { limits: self.clone(), network })
    }

    /// Memory for a letter that will grow.
    pub fn held(&self) -> Held {
        Held { memory: self.memory.clone(), permits: None, bytes: 0 }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.network);
            }
        }
    }
}

/// Memory that is given back when dropped.
pub(super) struct Held {
    memory: Arc<Semaphore>,
    permits: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Held {
    /// Makes it `bytes` in all. `false` when the others hold too much: never waits, for those who hold something and
    /// wait for more wait for each other.
    pub fn grow_to(&mut self, bytes: usize) -> bool {
        if bytes <= self.bytes {
            return true;
        }
        let pieces = (bytes - self.bytes).div_ceil(PIECE);
        let Some(more) =
            u32::try_from(pieces).ok().and_then(|n| self.memory.clone().try_acquire_many_owned(n).ok())
        else {
            return false;
        };
        self.bytes += pieces * PIECE;
        match &mut self.permits {
            Some(permits) => permits.merge(more),
            None => self.permits = Some(more),
        }
        true
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_by_network_and_given_back() {
        let limits = Limits::new(3, 2, PIECE);
        let seat = |address: &str| limits.seat(address.parse().unwrap());
        let first = seat("2001:db8::1").unwrap();
        let _second = seat("2001:db8::2").unwrap();
        assert_eq!(seat("2001:db8::3").err(), Some(Full::Address));
        let _third = seat("::ffff:192.0.2.1").unwrap();
        assert_eq!(seat("192.0.2.9").err(), Some(Full::All));
        drop(first);
        assert!(seat("2001:db8::3").is_ok());
    }

    #[test]
    fn memory_is_shared_and_given_back() {
        let limits = Limits::new(1, 1, 3 * PIECE);
        let (mut one, mut two) = (limits.held(), limits.held());
        assert!(one.grow_to(1) && one.grow_to(PIECE) && one.grow_to(PIECE + 1));
        assert!(two.grow_to(PIECE) && !two.grow_to(PIECE + 1));
        drop(one);
        assert!(two.grow_to(3 * PIECE));
    }
}
