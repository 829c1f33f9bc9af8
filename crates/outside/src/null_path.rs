use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Servers change their minds, and so do those behind them.
const KNOWN_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a mail server takes letters without a return path.
///
/// One letter that was refused so, and taken with a path, says little: the server of its recipient may have been behind it. The
/// same about recipients of another domain says that it is ours. It is believed for a day.
#[derive(Default)]
pub(crate) struct NullPath(Mutex<Known>);

#[derive(Default)]
struct Known {
    first: Option<String>,
    refused_at: Option<Instant>,
}

impl NullPath {
    pub(crate) fn is_refused(&self, now: Instant) -> bool {
        let mut known = self.known();
        let is_over = known.refused_at.is_some_and(|at| now.saturating_duration_since(at) >= KNOWN_FOR);
        if is_over {
            *known = Known::default();
        }
        known.refused_at.is_some()
    }

    /// A letter to this domain was refused without a path, and taken with one.
    pub(crate) fn note(&self, domain: &str, now: Instant) {
        let mut known = self.known();
        if known.first.get_or_insert_with(|| domain.to_owned()) != domain {
            known.refused_at.get_or_insert(now);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_domains_say_it_and_for_a_day() {
        let (path, now) = (NullPath::default(), Instant::now());
        for (domain, is_refused) in [("example.org", false), ("example.org", false), ("example.net", true)] {
            path.note(domain, now);
            assert_eq!(path.is_refused(now), is_refused, "{domain}");
        }
        assert!(path.is_refused(now + KNOWN_FOR - Duration::from_secs(1)));
        assert!(!path.is_refused(now + KNOWN_FOR));
        path.note("example.net", now + KNOWN_FOR);
        assert!(!path.is_refused(now + KNOWN_FOR), "it begins anew");
    }
}
