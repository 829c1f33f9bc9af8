use base::{Result, hours};
use db::Tx;

use super::store;

/// How long messages and the log of their deliveries are kept.
const KEPT: jiff::SignedDuration = hours(30 * 24);
/// Messages of one turn, so that no turn holds the writer for long.
const MOST: u32 = 2000;

/// Forgets what is older than 30 days, and secrets that no longer sign.
pub fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - KEPT;
    store::forget(tx, before, MOST)
}
