//! Mail that waits for somebody's decision, since it was kept back or could not be read: who is to decide is told.
//!
//! A schedule tells, not the letter's own transaction: a flood of what nobody wanted costs its readers nothing, and ends in
//! one notice in an hour for each address.

use std::collections::HashMap;

use base::{Id, Result, Timestamp, hours, seconds};
use db::{Read, Tx, params};
use identity::{User, teams, users};
use notices::inbox;
use serde::Serialize;

use crate::channels::{self, MailChannel};

/// For one address, nobody is told more often.
const TOLD_EVERY: jiff::SignedDuration = hours(1);
/// What was decided by a transaction that is still under way has an instant of before; it has committed by then.
const SETTLES_WITHIN: jiff::SignedDuration = seconds(30);
/// Counted at most; it stands for more.
pub const COUNTED: u32 = 100;

/// Kinds of notices, which say where to look.
pub const TOLD_OF_QUARANTINE: &str = "mail_quarantined";
pub const TOLD_OF_FAILED: &str = "mail_failed";

/// How many mails wait for a decision; [`COUNTED`] stands for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undecided {
    pub quarantined: u32,
    pub failed: u32,
}

db::statements! {
    QUARANTINED = "select count(*) from (select 1 as one from mails where tenant_id = ?1 and state = 'quarantined' limit ?2) as waiting";
    FAILED = "select count(*) from (select 1 as one from mails where tenant_id = ?1 and state = 'failed' limit ?2) as waiting";
    NEW = "select 1 from mails where tenant_id = ?1 and channel_id = ?2 and settled_at > ?3 and settled_at <= ?4 and state in ('quarantined', 'failed') limit 1";
    OF_CHANNEL = "select state, count(*) from (select state from mails where tenant_id = ?1 and channel_id = ?2
        and state in ('quarantined', 'failed') limit ?3) as waiting group by state";
    TELLINGS = "select channel_id, told_at, told_until from channel_tellings where tenant_id = ?1";
    TOLD = "insert into channel_tellings (tenant_id, channel_id, told_at, told_until) values (?1, ?2, ?3, ?4)
        on conflict (tenant_id, channel_id) do update set told_at = excluded.told_at, told_until = excluded.told_until";
    FORGET = "delete from channel_tellings where tenant_id = ?1 and channel_id = ?2";
}

/// How many mails of the business wait for a decision.
pub fn undecided(read: &Read<'_>) -> Result<Undecided> {
    let count =
        |sql| Ok::<_, base::Error>(read.query_one(sql, params![COUNTED], |row| row.get(0))?.unwrap_or(0));
    Ok(Undecided { quarantined: count(&QUARANTINED)?, failed: count(&FAILED)? })
}

fn of_channel(read: &Read<'_>, channel: Id<MailChannel>) -> Result<Undecided> {
    let mut found = Undecided::default();
    let counts = read.query_all(&OF_CHANNEL, params![channel, COUNTED], |row| {
        Ok((row.get::<String>(0)?, row.get::<u32>(1)?))
    })?;
    for (state, count) in counts {
        match state.as_str() {
            "failed" => found.failed = count,
            _ => found.quarantined = count,
        }
    }
    Ok(found)
}

/// Tells of what came to wait since somebody was last told; a schedule.
pub fn tell_of_undecided(tx: &mut Tx<'_>) -> Result<()> {
    if undecided(tx)? == Undecided::default() {
        return Ok(());
    }
    let told: HashMap<Id<MailChannel>, (Timestamp, Timestamp)> = tx
        .query_all(&TELLINGS, params![], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .into_iter()
        .collect();
    let (now, until) = (tx.now(), tx.now() - SETTLES_WITHIN);
    for channel in channels::all(tx)? {
        let (told_at, told_until) =
            told.get(&channel.id).copied().unwrap_or((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH));
        let is_new = now.duration_since(told_at) >= TOLD_EVERY
            && tx.query_one(&NEW, params![channel.id, told_until, until], |_| Ok(()))?.is_some();
        if !is_new {
            continue;
        }
        let waiting = of_channel(tx, channel.id)?;
        let kind = if waiting.quarantined > 0 { TOLD_OF_QUARANTINE } else { TOLD_OF_FAILED };
        let title = format!("{}: {}", channel.address, waiting.in_words());
        for (user, decides) in told_of(tx, &channel)? {
            let title = match decides {
                true => title.clone(),
                false => format!("{title}; an administrator decides"),
            };
            inbox::notify(tx, user, kind, &title, None)?;
        }
        tx.execute(&TOLD, params![channel.id, now, until])?;
    }
    Ok(())
}

/// The channel goes.
pub(crate) fn forget_channel(tx: &mut Tx<'_>, channel: Id<MailChannel>) -> Result<()> {
    tx.execute(&FORGET, params![channel]).map(|_| ())
}

/// Who is told of a channel, and whether they are one of those who decide: the people of its team; and the administrators,
/// where none of them is there.
fn told_of(read: &Read<'_>, channel: &MailChannel) -> Result<Vec<(Id<User>, bool)>> {
    let staff: Vec<User> = users::staff(read)?.into_iter().filter(|u| u.disabled_at.is_none()).collect();
    let members = match channel.team_id {
        Some(team) => teams::get(read, team)?.members,
        None => Vec::new(),
    };
    let team_decides = staff.iter().any(|u| u.role.is_admin() && members.contains(&u.id));
    let is_told = |u: &User| members.contains(&u.id) || (!team_decides && u.role.is_admin());
    Ok(staff.iter().filter(|u| is_told(u)).map(|u| (u.id, u.role.is_admin())).collect())
}

impl Undecided {
    fn in_words(self) -> String {
        let many = |n: u32| match n {
            1 => "1 mail".to_owned(),
            n if n >= COUNTED => format!("{COUNTED} mails or more"),
            n => format!("{n} mails"),
        };
        let verb = |n: u32| if n == 1 { "waits" } else { "wait" };
        let quarantined = format!("{} {} in quarantine", many(self.quarantined), verb(self.quarantined));
        match (self.quarantined, self.failed) {
            (_, 0) => quarantined,
            (0, failed) => format!("{} could not be read", many(failed)),
            (_, failed) => format!("{quarantined}, and {} could not be read", many(failed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_said_in_words() {
        for (quarantined, failed, words) in [
            (1, 0, "1 mail waits in quarantine"),
            (2, 1, "2 mails wait in quarantine, and 1 mail could not be read"),
            (0, 3, "3 mails could not be read"),
            (100, 0, "100 mails or more wait in quarantine"),
        ] {
            assert_eq!(Undecided { quarantined, failed }.in_words(), words);
        }
    }
}
