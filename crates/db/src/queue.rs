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
    /// Nobody: jobs and schedules. Served when nobody waits, and for a share of the time while somebody always does.
    Background,
}

/// Pieces of background work in a group that holds nothing else.
const BACKGROUND_ALONE: usize = 4;
/// While people wait, the background has one part of the time to so many of theirs: it goes on, and they hardly notice.
const PEOPLES_PARTS: i64 = 3;
/// What the background has not used by then it does not get later.
const SAVED_MAX: i64 = 20_000;
/// What a piece of the background is thought to take until it says so: several threads would all begin one otherwise.
const EXPECTED: i64 = 2_000;
/// What one long piece has used beyond its share is not held against the background for longer than three times this.
const OWED_MAX: i64 = 1_000_000;

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
    /// Microseconds that the background may still use while somebody waits; below zero it has used more.
    saved: i64,
    /// Pieces of the background that were begun while somebody waited, and have not said what they took.
    begun: i64,
}

impl<T> Queue<T> {
    pub fn new(max: usize) -> Self {
        let state = State {
            foreground: VecDeque::new(),
            background: VecDeque::new(),
            closed: false,
            saved: 0,
            begun: 0,
        };
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

    /// Waits for work, then takes up to `most` items: people's first, and one of the background while it has not used up
    /// its share of the time (see [`Queue::spent`]); of a single item that is this one. `None` once the queue is closed and empty.
    pub fn take(&self, most: usize) -> Option<Vec<T>> {
        let mut state = self.lock();
        loop {
            if !state.foreground.is_empty() || !state.background.is_empty() {
                let nobody_waits = state.foreground.is_empty();
                let back = match nobody_waits {
                    // A person who comes while a group of jobs is written waits for all of it: so few.
                    true => BACKGROUND_ALONE,
                    false => usize::from(state.saved >= 0),
                };
                let back = state.background.len().min(back).min(most);
                if back > 0 && !nobody_waits {
                    state.saved -= EXPECTED;
                    state.begun += 1;
                }
                let front = state.foreground.len().min(most - back);
                let mut batch: Vec<T> = state.foreground.drain(..front).collect();
                batch.extend(state.background.drain(..back));
                return Some(batch);
            }
            if state.closed {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives back pieces of the background that were taken and not begun; they are the next of it.
    pub fn put_back(&self, pieces: Vec<T>) {
        let mut state = self.lock();
        for piece in pieces.into_iter().rev() {
            state.background.push_front(piece);
        }
    }

    /// Says how long a piece of work took. What the background used while nobody waited is not held against it.
    pub fn spent(&self, lane: Lane, time: Duration) {
        let took = i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2);
        let mut state = self.lock();
        if lane == Lane::Foreground {
            state.saved = (state.saved + took / PEOPLES_PARTS).min(SAVED_MAX);
            return;
        }
        if state.begun > 0 {
            state.begun -= 1;
            state.saved += EXPECTED;
        }
        if !state.foreground.is_empty() {
            state.saved = state.saved.saturating_sub(took).max(-OWED_MAX);
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

    /// Works for a while as a server does whose callers never pause, and answers how long it worked for each lane.
    fn busy(most: usize, person: u64, job: u64) -> (u64, u64) {
        let queue = Queue::new(1_000);
        let (mut people, mut jobs) = (0, 0);
        for _ in 0..2_000 {
            for lane in [Lane::Foreground, Lane::Background] {
                while queue.push(lane, lane).is_ok() {}
            }
            for lane in queue.take(most).unwrap() {
                let (took, sum) = match lane {
                    Lane::Foreground => (person, &mut people),
                    Lane::Background => (job, &mut jobs),
                };
                *sum += took;
                queue.spent(lane, Duration::from_micros(took));
            }
        }
        (people, jobs)
    }

    #[test]
    fn while_people_wait_the_background_has_a_quarter_of_the_time_whatever_it_costs() {
        for (most, person, job) in [(1, 500, 100), (1, 500, 20_000), (8, 100, 6_000), (64, 100, 50_000)] {
            let (people, jobs) = busy(most, person, job);
            let share = jobs as f64 / (people + jobs) as f64;
            assert!((0.2..0.3).contains(&share), "{most} at once, {person} and {job}: {share}");
        }
        // Of many small ones there is one in a group, which is less.
        let (people, jobs) = busy(64, 100, 100);
        assert!(jobs > 0 && jobs * 50 < people, "{people} {jobs}");
    }

    #[test]
    fn what_the_background_uses_while_nobody_waits_is_not_held_against_it() {
        let queue = Queue::new(100);
        queue.spent(Lane::Background, Duration::from_secs(60));
        queue.push(Lane::Foreground, 1).unwrap();
        queue.push(Lane::Background, 2).unwrap();
        assert_eq!(queue.take(10), Some(vec![1, 2]));
    }

    #[test]
    fn one_long_piece_does_not_shut_the_background_out() {
        let queue = Queue::new(100);
        (0..2).for_each(|n| queue.push(Lane::Background, n).unwrap());
        queue.push(Lane::Foreground, 10).unwrap();
        assert_eq!(queue.take(2), Some(vec![10, 0]));
        queue.push(Lane::Foreground, 11).unwrap();
        queue.spent(Lane::Background, Duration::from_secs(60));
        assert_eq!(queue.take(2), Some(vec![11]), "people have the time it used");
        queue.push(Lane::Foreground, 12).unwrap();
        queue.spent(Lane::Foreground, Duration::from_secs(3));
        assert_eq!(queue.take(2), Some(vec![12, 1]), "and then it goes on");
    }

    #[test]
    fn what_a_piece_was_thought_to_take_is_given_back_when_nobody_waits_at_its_end() {
        let queue = Queue::new(100);
        for _ in 0..50 {
            queue.push(Lane::Background, 1).unwrap();
            queue.push(Lane::Foreground, 2).unwrap();
            assert_eq!(queue.take(2), Some(vec![2, 1]));
            queue.spent(Lane::Background, Duration::from_millis(1));
        }
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
    fn what_is_put_back_is_the_next_of_the_background() {
        let queue = Queue::new(100);
        (0..6).for_each(|n| queue.push(Lane::Background, n).unwrap());
        assert_eq!(queue.take(10), Some(vec![0, 1, 2, 3]));
        queue.put_back(vec![2, 3]);
        queue.close();
        assert_eq!(queue.take(10), Some(vec![2, 3, 4, 5]), "also when no more work is taken in");
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
