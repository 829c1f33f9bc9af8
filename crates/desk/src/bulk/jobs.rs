//! Batches in the background: each queues the next, under a key of its place, so that a crash repeats none.

use base::{Id, Result};
use db::Tx;
use engine::{Enqueue, Inside, Job};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Bulk, ops, undo};

#[derive(Serialize, Deserialize)]
pub struct RunBulk {
    pub bulk: Id<Bulk>,
    pub after: u32,
}

impl Job for RunBulk {
    const KIND: &'static str = "desk.bulk";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}", self.bulk, self.after)
    }
}

pub struct BulkRunner;

impl Inside for BulkRunner {
    type Job = RunBulk;
    fn run(&self, tx: &mut Tx<'_>, job: &RunBulk) -> Result<()> {
        match ops::run_batch(tx, job.bulk, job.after)? {
            Some(after) => tx.enqueue(&RunBulk { bulk: job.bulk, after }),
            None => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct UndoBulk {
    pub bulk: Id<Bulk>,
    pub after: u32,
    /// Names another try, after a first that found everything touched since: its batches have places of their own.
    #[serde(default)]
    pub attempt: Option<Uuid>,
}

impl Job for UndoBulk {
    const KIND: &'static str = "desk.bulk_undo";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        match self.attempt {
            None => format!("{}:{}", self.bulk, self.after),
            Some(attempt) => format!("{}:{attempt}:{}", self.bulk, self.after),
        }
    }
}

pub struct BulkUndoer;

impl Inside for BulkUndoer {
    type Job = UndoBulk;
    fn run(&self, tx: &mut Tx<'_>, job: &UndoBulk) -> Result<()> {
        match undo::undo_batch(tx, job.bulk, job.after)? {
            Some(after) => tx.enqueue(&UndoBulk { after, ..*job }),
            None => Ok(()),
        }
    }
}
