//! The engine: the only door to the outside world (ADR-0004).
//!
//! Jobs, schedules and events are rows written in the transaction of their cause. A worker claims due jobs under a
//! lease with a fence, and takes each through three steps: `plan` (in a transaction), `perform` (outside), `settle`
//! (in a transaction). A crash between any two of them leaves a row from which the work goes on under the same key.
//!
//! It is our own because a job must commit with its cause on both engines and run under a fake clock.
//!
//! | file | what it holds |
//! |---|---|
//! | `outside` | the traits: mailer, blobs, HTTP |
//! | `job` | what a job is, and `tx.enqueue` |
//! | `registry` | which handler works which kind; schedules |
//! | `worker` | the loop |
//! | `store` | the queue's rows, and what the admin pages do with dead jobs |
//! | `events` | facts told to live streams, and `tx.publish` |
//! | `taps` | the job that an event leaves when somebody else wants it too |

pub mod events;
mod job;
pub mod outside;
mod registry;
pub mod store;
pub mod taps;
mod worker;

pub use events::{Event, Publish, StoredEvent};
pub use job::{Enqueue, Failure, Handler, Inside, Job, Lane, Step, is_waiting};
pub use outside::Outside;
pub use registry::Registry;
pub use worker::{Moment, Probe, Worker};
