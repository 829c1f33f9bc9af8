use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Who waits for a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A person or a caller.
    Foreground,
    /// Nobody: jobs and schedules. Served when nobody waits, and at least a few in every group.
    Background,
}

/// Pieces of background work in a group that holds nothing else.
const BACKGROUND_ALONE: usize = 4;

/// The bounded queue in front of the database threads. A full lane refuses at once; nothing grows without bound.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    max: usize,
}

struct State<T> {
    foreground: VecDeque<T>,
    background: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(max: usize) -> Self {
        let state = State { foreground: VecDeque::new(), background: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), ready: Condvar::new(), max }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the item back when the lane is full or the queue is closed.
    pub fn push(&self, lane: Lane, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        let queue = match lane {
            Lane::Foreground => &mut state.foreground,
            Lane::Background => &mut state.background,
        };
        if queue.len() >= self.max {
            return Err(item);
        }
        queue.push_back(item);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for work, then takes up to `most` items: people's first, and always one for the background lane.
    /// `None` once the queue is closed and empty.
    pub fn take(&self, most: usize) -> Option<Vec<T>> {
        let mut state = self.lock();
        loop {
            if !state.foreground.is_empty() || !state.background.is_empty() {
                let reserved = usize::from(!state.background.is_empty() && most > 1);
                let front = state.foreground.len().min(most - reserved);
                let mut batch: Vec<T> = state.foreground.drain(..front).collect();
                // A person who comes while a group of jobs is written waits for all of it: so few.
                let back = if front == 0 { BACKGROUND_ALONE } else { reserved };
                let back = state.background.len().min(back).min(most - front);
                batch.extend(state.background.drain(..back));
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What has come since and somebody waits for; when there is nothing, what comes within `patience`.
    pub fn take_more(&self, most: usize, patience: Duration) -> Vec<T> {
        let mut state = self.lock();
        if state.foreground.is_empty() && !patience.is_zero() && !state.closed {
            let nothing = |s: &mut State<T>| s.foreground.is_empty() && !s.closed;
            let waited = self.ready.wait_timeout_while(state, patience, nothing);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = state.foreground.len().min(most);
        state.foreground.drain(..count).collect()
    }

    pub fn depth(&self) -> usize {
        let state = self.lock();
        state.foreground.len() + state.background.len()
    }

    /// Refuses new work and lets the threads finish what is queued.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

/// Waits until the flag is set or the time is over; for threads that look at something now and then.
pub struct Pause {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Pause {
    pub const fn new() -> Self {
        Self { stopped: Mutex::new(false), changed: Condvar::new() }
    }
    /// True when stopped.
    pub fn wait(&self, time: Duration) -> bool {
        let guard = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        *self.changed.wait_timeout_while(guard, time, |s| !*s).unwrap_or_else(PoisonError::into_inner).0
    }
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn people_go_first_and_the_background_is_not_starved() {
        let queue = Queue::new(100);
        for n in 0..80 {
            queue.push(Lane::Background, 1000 + n).unwrap();
            queue.push(Lane::Foreground, n).unwrap();
        }
        let batch = queue.take(32).unwrap();
        assert_eq!(batch.len(), 32);
        assert_eq!(batch[0], 0);
        assert_eq!(batch.iter().filter(|n| **n >= 1000).count(), 1);
    }

    #[test]
    fn a_group_is_topped_up_with_what_somebody_waits_for_alone() {
        let queue = Queue::new(100);
        queue.push(Lane::Background, 1000).unwrap();
        assert_eq!(queue.take_more(10, Duration::from_millis(1)), Vec::<i32>::new(), "nobody waits for that");
        for n in 0..5 {
            queue.push(Lane::Foreground, n).unwrap();
        }
        assert_eq!(queue.take_more(3, Duration::ZERO), [0, 1, 2]);
        assert_eq!(queue.take(10), Some(vec![3, 4, 1000]));
    }

    #[test]
    fn a_group_waits_for_whoever_is_about_to_come() {
        let queue = Arc::new(Queue::new(100));
        let other = queue.clone();
        let pushing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            other.push(Lane::Foreground, 1).unwrap();
        });
        assert_eq!(queue.take_more(10, Duration::from_secs(30)), [1]);
        pushing.join().unwrap();
    }

    #[test]
    fn a_full_lane_refuses_and_a_closed_queue_drains() {
        let queue = Queue::new(2);
        queue.push(Lane::Foreground, 1).unwrap();
        queue.push(Lane::Foreground, 2).unwrap();
        assert_eq!(queue.push(Lane::Foreground, 3), Err(3));
        queue.close();
        assert_eq!(queue.push(Lane::Background, 4), Err(4));
        assert_eq!(queue.take(1), Some(vec![1]));
        assert_eq!(queue.take(10), Some(vec![2]));
        assert_eq!(queue.take(10), None);
    }
}
