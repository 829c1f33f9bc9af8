//! How many calls run at once in this process. A receiver that hangs holds a place of the worker for seconds; letters
//! and other receivers must keep theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base::Id;

use super::model::Webhook;

/// Half of what the worker has in hand.
const AT_ONCE: usize = 8;
const AT_ONCE_TO_ONE: usize = 4;

#[derive(Clone, Default)]
pub struct Gate(Arc<Mutex<HashMap<Id<Webhook>, usize>>>);

/// A call's place; given back when dropped.
pub struct Place {
    gate: Gate,
    of: Id<Webhook>,
}

impl Gate {
    pub fn enter(&self, of: Id<Webhook>) -> Option<Place> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = running.values().sum();
        let own = running.get(&of).copied().unwrap_or(0);
        if all >= AT_ONCE || own >= AT_ONCE_TO_ONE {
            return None;
        }
        running.insert(of, own + 1);
        Some(Place { gate: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get_mut(&self.of) {
            Some(n) if *n > 1 => *n -= 1,
            _ => {
                running.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_receiver_does_not_take_every_place() {
        let id = |n: u128| Id::<Webhook>::from_uuid(uuid::Uuid::from_u128(n));
        let gate = Gate::default();
        let mut held: Vec<Place> = std::iter::from_fn(|| gate.enter(id(1))).collect();
        assert_eq!(held.len(), AT_ONCE_TO_ONE);
        held.extend(std::iter::from_fn(|| gate.enter(id(2))));
        assert_eq!(held.len(), AT_ONCE);
        assert!(gate.enter(id(3)).is_none());
        held.remove(0);
        assert!(gate.enter(id(3)).is_some());
        drop(held);
        assert!(gate.0.lock().unwrap().is_empty());
    }
}
