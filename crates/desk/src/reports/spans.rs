//! Lengths of time as slots of a histogram that can be added up.
//!
//! Slots grow by a tenth, from a minute to two years, and break at the hours and days that people ask about, so that those
//! shares are exact. A median or percentile is the geometric middle of the slot it falls into: at most 5 % off.

use std::sync::LazyLock;

/// A quantile is at most this far from the exact one (below a minute, at most a minute).
pub const ERROR_PERCENT: u32 = 5;

/// Answers take slots from 1, resolutions from here.
pub(super) const RESOLUTION: i64 = 1_000;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Upper bounds of the bands that distributions are shown in, in seconds; above the last is one more.
pub(super) const BANDS: [i64; 7] = [15 * MINUTE, HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY];

/// Upper bounds (exclusive) of the slots, in seconds; the last slot has none.
static BOUNDS: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let mut bounds = BANDS.to_vec();
    let mut bound = MINUTE as f64;
    while bound < (730 * DAY) as f64 {
        bounds.push(bound.round() as i64);
        bound *= 1.1;
    }
    bounds.sort_unstable();
    bounds.dedup();
    bounds
});

/// The slot of a length of time in seconds, from 1.
pub fn slot_of(seconds: i64) -> i64 {
    1 + BOUNDS.partition_point(|bound| *bound <= seconds) as i64
}

/// The slot's middle, in seconds.
fn middle(slot: i64) -> f64 {
    let bound = |i: i64| usize::try_from(i).ok().and_then(|i| BOUNDS.get(i)).copied();
    match (bound(slot - 2), bound(slot - 1)) {
        (None, Some(upper)) => upper as f64 / 2.0,
        (Some(lower), Some(upper)) => (lower as f64 * upper as f64).sqrt(),
        (Some(lower), None) => lower as f64,
        (None, None) => 0.0,
    }
}

/// The band that a slot lies in, from 0.
pub(super) fn band_of(slot: i64) -> usize {
    BANDS.partition_point(|band| *band as f64 <= middle(slot))
}

/// The length of time, in seconds, that a share (0 to 1) of all does not exceed: the nearest rank. None without any.
pub fn quantile(slots: &[(i64, i64)], share: f64) -> Option<f64> {
    let total: i64 = slots.iter().map(|(_, count)| count).sum();
    if total <= 0 {
        return None;
    }
    let rank = ((total as f64 * share).ceil() as i64).max(1);
    let mut seen = 0;
    for (slot, count) in slots {
        seen += count;
        if seen >= rank {
            return Some(middle(*slot));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(values: &[i64]) -> Vec<(i64, i64)> {
        let mut slots = std::collections::BTreeMap::new();
        for v in values {
            *slots.entry(slot_of(*v)).or_insert(0) += 1;
        }
        slots.into_iter().collect()
    }

    #[test]
    fn quantiles_are_at_most_five_percent_off() {
        let mut seed = 7u64;
        for round in 1..40 {
            let mut values: Vec<i64> = (0..round * 13)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    60 + (1.5f64.powf((seed >> 33) as f64 % 30.0) * 30.0) as i64
                })
                .collect();
            values.sort_unstable();
            for share in [0.5, 0.9, 1.0] {
                let exact = values[((values.len() as f64 * share).ceil() as usize).max(1) - 1] as f64;
                let found = quantile(&count(&values), share).unwrap();
                assert!(
                    (found / exact - 1.0).abs() <= f64::from(ERROR_PERCENT) / 100.0,
                    "{found} for {exact}"
                );
            }
        }
    }

    #[test]
    fn bands_are_exact_and_everything_has_a_slot() {
        for (i, bound) in BANDS.iter().enumerate() {
            assert_eq!(band_of(slot_of(bound - 1)), i);
            assert_eq!(band_of(slot_of(*bound)), i + 1);
        }
        assert_eq!(slot_of(0), 1);
        assert_eq!(slot_of(-5), 1);
        assert!(slot_of(i64::MAX) < RESOLUTION);
        assert_eq!(quantile(&[], 0.5), None);
        assert!(quantile(&count(&[3]), 0.5).unwrap() <= 60.0);
    }
}
