use std::str::FromStr;

use base::{Error, Id, Result, Timestamp, hours, minutes, seconds};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where somebody wants to be told, and of what. The secret is not here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Webhook {
    pub id: Id<Webhook>,
    pub name: String,
    pub url: String,
    /// Names of events, `ticket.*`, or `*`.
    pub topics: Vec<String>,
    /// Off since: nothing is sent.
    pub disabled_at: Option<Timestamp>,
    /// `by_hand`, `gone` (the receiver answered 410) or `failing` (nothing but failures for five days).
    pub disabled_reason: Option<String>,
    /// Since when every attempt failed; null when the last one did not.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before the present one signs too.
    pub previous_secret_until: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Webhook {
    pub fn wants(&self, topic: &str) -> bool {
        self.topics.iter().any(|p| engine::taps::takes(p, topic))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum DeliveryState {
    /// An attempt runs or is to come.
    Pending,
    /// The receiver answered 2xx.
    Delivered,
    /// All attempts failed, or the receiver is gone.
    Failed,
    /// The webhook was off when its turn came.
    Cancelled,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
impl FromStr for DeliveryState {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| {
            Error::field("state", "webhook.state", "one of pending, delivered, failed, cancelled")
        })
    }
}
db::text_column!(DeliveryState);

/// One message to one webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Delivery {
    pub id: Id<Delivery>,
    pub webhook_id: Id<Webhook>,
    /// What the receiver gets as `webhook-id`, in every attempt.
    pub message_id: String,
    pub topic: String,
    pub state: DeliveryState,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub last_status: Option<u32>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    #[serde(skip)]
    pub message: Uuid,
    #[serde(skip)]
    pub round: u32,
    #[serde(skip)]
    pub attempts_before: u32,
}

/// One call.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Attempt {
    pub number: u32,
    pub started_at: Timestamp,
    pub duration_ms: i64,
    /// Null when there was no answer.
    pub status: Option<u32>,
    pub error: Option<String>,
    /// The beginning of what the receiver answered, at most 2 KiB.
    pub answer_excerpt: String,
}

/// `webhook-id` of a message.
pub fn message_id(message: Uuid) -> String {
    format!("msg_{}", message.simple())
}

/// Waits after the first, second … failed attempt: ten attempts in a little over three days.
const WAITS: [SignedDuration; 9] =
    [seconds(5), minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)];

/// A receiver that fails for so long, and never succeeds, is switched off.
pub const FAILING_MAX: SignedDuration = hours(5 * 24);

/// How long the secret before the present one signs too.
pub const PREVIOUS_SECRET: SignedDuration = hours(24);

/// How long to wait after the `failed`-th failed attempt of a round; none when that was the last.
///
/// Up to a tenth is added, by `random`, so that what failed together does not return together. A receiver that asks for
/// more (`Retry-After`) gets it, a day at most; one that asks for less does not.
pub fn wait(failed: u32, asked: Option<SignedDuration>, random: u8) -> Option<SignedDuration> {
    let base = *WAITS.get(usize::try_from(failed).ok()?.checked_sub(1)?)?;
    let jitter = base * i32::from(random) / (255 * 10);
    let asked = asked.unwrap_or_default().min(hours(24));
    Some((base + jitter).max(asked))
}

/// `Retry-After` in seconds or as a date. Nonsense is as if it were not there.
pub fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(n) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(n)));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(at.duration_since(now)).filter(|d| d.is_positive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spread_over_three_days_and_end() {
        let all: SignedDuration = (1..=9).map(|n| wait(n, None, 0).unwrap()).sum();
        assert!(all > hours(72) && all < hours(80), "{all}");
        assert_eq!(wait(1, None, 0), Some(seconds(5)));
        assert_eq!(wait(10, None, 0), None);
        assert_eq!(wait(0, None, 0), None);
        let late = wait(2, None, 255).unwrap();
        assert!(late > minutes(5) && late <= minutes(5) + seconds(30), "{late}");
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_less() {
        assert_eq!(wait(1, Some(minutes(2)), 0), Some(minutes(2)));
        assert_eq!(wait(2, Some(seconds(1)), 0), Some(minutes(5)));
        assert_eq!(wait(1, Some(hours(1000)), 0), Some(hours(24)));
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        assert_eq!(retry_after("120", now), Some(minutes(2)));
        assert_eq!(retry_after("Mon, 02 Mar 2026 12:05:00 GMT", now), Some(minutes(5)));
        for nonsense in ["", "-1", "soon", "Mon, 02 Mar 2026 11:00:00 GMT", "99999999999999"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }
}
