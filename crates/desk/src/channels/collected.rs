//! How far a folder of a mailbox was read, whichever: the one letters come in by, or the one of sent mail.
//!
//! The cursor moves in the transaction that takes the letters behind it, and only from where it was: of two servers that
//! look into one folder, the second finds that the letters are here.

use base::{Error, Id, Kind, Result};
use db::{Sql, Tx, params};
use engine::outside::MailCursor;

use super::model::MailChannel;
use crate::intake::{self, Received};

/// A folder as somebody saw it before they looked into it.
pub(super) struct Place {
    pub channel: Id<MailChannel>,
    pub version: i64,
    pub cursor: Option<MailCursor>,
    /// The last letter that was there when the folder's numbers began anew.
    pub anew_until: Option<u32>,
}

/// The statements of the table that keeps it.
pub(super) struct Rows {
    /// UIDVALIDITY and UID of (channel, version), held.
    pub lock: &'static Sql,
    /// By channel: UIDVALIDITY, UID, the instant, how many letters more.
    pub moved: &'static Sql,
    /// By channel: UIDVALIDITY, UID, the last that is there, the instant.
    pub anew: &'static Sql,
    /// By (channel, version): code, words, since when nobody looks any more, the instant.
    pub failed: &'static Sql,
}

impl Rows {
    /// Takes letters that were collected, each with its UID, and moves the cursor past them, in one commit.
    ///
    /// # Errors
    /// `mailbox.moved`: somebody else took them, or the folder was changed. Nothing is kept; look again.
    pub fn took(
        &self,
        tx: &mut Tx<'_>,
        seen: &Place,
        cursor: MailCursor,
        letters: Vec<(u32, Received)>,
    ) -> Result<()> {
        self.hold(tx, seen)?;
        let (now, count) = (tx.now(), intake::receive_collected(tx, letters, seen.anew_until)?);
        tx.execute(self.moved, params![seen.channel, cursor.uidvalidity, cursor.last_uid, now, count])
            .map(|_| ())
    }

    /// The folder's numbers began anew, and this is the last of what is there: the cursor goes back to its beginning.
    ///
    /// # Errors
    /// `mailbox.moved`, as [`Rows::took`].
    pub fn begun_anew(&self, tx: &mut Tx<'_>, seen: &Place, cursor: MailCursor, last_uid: u32) -> Result<()> {
        self.hold(tx, seen)?;
        let now = tx.now();
        tx.execute(self.anew, params![seen.channel, cursor.uidvalidity, cursor.last_uid, last_uid, now])
            .map(|_| ())
    }

    /// It could not be looked into. `is_final`: nobody looks again until somebody has corrected it.
    pub fn failed(&self, tx: &mut Tx<'_>, seen: &Place, code: &str, why: &str, is_final: bool) -> Result<()> {
        let now = tx.now();
        let paused = is_final.then_some(now);
        tx.execute(self.failed, params![seen.channel, seen.version, code, said(why), paused, now]).map(|_| ())
    }

    /// Holds a folder that stands where it was seen.
    fn hold(&self, tx: &mut Tx<'_>, seen: &Place) -> Result<()> {
        let held = tx.query_one(self.lock, params![seen.channel, seen.version], |row| {
            Ok((row.get::<Option<u32>>(0)?, row.get::<Option<u32>>(1)?))
        })?;
        let expected = (seen.cursor.map(|c| c.uidvalidity), seen.cursor.map(|c| c.last_uid));
        if held != Some(expected) {
            let why = "somebody else looked into this folder, or it was changed";
            return Err(Error::new(Kind::Conflict, "mailbox.moved", why));
        }
        Ok(())
    }
}

/// The words of another server, not all of them.
pub(super) fn said(why: &str) -> String {
    why.chars().take(500).collect()
}
