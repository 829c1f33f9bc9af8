//! Webhooks: what happened, told to other programs by a signed HTTP call.
//!
//! The rules this room keeps:
//! - An event that a webhook wants is never lost: it leaves a job in its own commit, the job a delivery, the delivery
//!   attempts, and each of these steps is a commit of its own that a crash repeats and does not double.
//! - A receiver is told at least once. Every attempt of a delivery has the same `webhook-id` and the same body.
//! - Events of one object carry its sequence: they may arrive in any order and be put right.
//! - A secret is shown when it is made and never again.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | webhook, delivery, attempt; when the next attempt is |
//! | `topics` | the catalogue of events |
//! | `signature` | secrets and signatures, as Standard Webhooks has them |
//! | `ops` | make, change, delete, rotate, test |
//! | `replay` | deliver again |
//! | `query` | lists for API and pages |
//! | `fan_out` | event → deliveries |
//! | `deliver` | delivery → attempts |
//! | `gate` | how many calls run at once |
//! | `keep` | what is forgotten, and when |

mod deliver;
mod fan_out;
mod gate;
mod keep;
mod model;
mod ops;
pub mod query;
mod replay;
mod signature;
mod store;
pub mod topics;

pub use deliver::{Deliver, Deliverer};
pub use fan_out::{Describe, FanOut};
pub use keep::forget_old;
pub use model::{Attempt, Delivery, DeliveryState, Webhook};
pub use ops::{NewWebhook, WebhookPatch, change, create, delete, rotate_secret, send_test};
pub use replay::{REPLAY_MAX, Range, replay, replay_range};
pub use signature::sign;
