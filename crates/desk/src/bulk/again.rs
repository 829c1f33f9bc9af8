//! Another try at taking a change back whose first found everything touched since. Each try has places of its own, so that
//! the batches of the first do not stand for those of the next.

use base::{Id, Result};
use db::Tx;
use engine::{Enqueue, Inside, Job};
use serde::{Deserialize, Serialize};

use super::{Bulk, undo};

#[derive(Serialize, Deserialize)]
pub struct UndoAgain {
    pub bulk: Id<Bulk>,
    /// Names the try.
    pub attempt: uuid::Uuid,
    pub after: u32,
}

impl Job for UndoAgain {
    const KIND: &'static str = "desk.bulk_undo_again";
    const LANE: engine::Lane = engine::Lane::Awaited;
    fn key(&self) -> String {
        format!("{}:{}:{}", self.bulk, self.attempt, self.after)
    }
}

pub struct BulkUndoerAgain;

impl Inside for BulkUndoerAgain {
    type Job = UndoAgain;
    fn run(&self, tx: &mut Tx<'_>, job: &UndoAgain) -> Result<()> {
        match undo::undo_batch(tx, job.bulk, job.after)? {
            Some(after) => tx.enqueue(&UndoAgain { after, ..*job }),
            None => Ok(()),
        }
    }
}
