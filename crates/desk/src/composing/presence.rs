//! Who is looking at a ticket, and who is writing. Told again every few seconds; silence means gone.
//!
//! It is no change of the ticket: no version, no history, no event. Streams are woken only when others would see a
//! difference, so that a sign of life costs one update.

use base::{Error, Id, Result, Timestamp, seconds};
use db::{Read, Tx, Wake, params};
use identity::{Staff, User, users};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::author;
use crate::tickets::{Ticket, query};

/// What somebody does there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Doing {
    Viewing,
    Typing,
    /// The page was left.
    Gone,
}

/// Somebody else who is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Present {
    pub user_id: Id<User>,
    pub name: String,
    pub is_typing: bool,
    /// An answer of theirs is on its way and can still be taken back.
    pub is_sending: bool,
}

/// Somebody who said nothing for this long is gone. Pages tell every ten seconds.
pub const GONE_AFTER: jiff::SignedDuration = seconds(25);
/// Somebody who typed nothing for this long is only looking.
pub const TYPING_FOR: jiff::SignedDuration = seconds(13);

db::statements! {
    FIND = "select seen_at, typed_at from presence where tenant_id = ?1 and ticket_id = ?2 and user_id = ?3";
    ALIVE = "update presence set seen_at = ?4, typed_at = ?5 where tenant_id = ?1 and ticket_id = ?2 and user_id = ?3";
    CHANGED = "insert into presence (tenant_id, ticket_id, user_id, seen_at, typed_at, changed_at) values (?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (tenant_id, ticket_id, user_id) do update set seen_at = excluded.seen_at, typed_at = excluded.typed_at, changed_at = excluded.changed_at";
    OTHERS = "select user_id, typed_at from presence where tenant_id = ?1 and ticket_id = ?2 and user_id <> ?3 and seen_at > ?4 order by user_id";
    SINCE = "select ticket_id, user_id, changed_at from presence where tenant_id = ?1 and changed_at > ?2 order by changed_at limit 500";
    FORGET = "delete from presence where tenant_id = ?1 and seen_at < ?2";
}

/// Notes what somebody does on a ticket.
///
/// # Errors
/// `role.person_only`: a key looks at nothing.
pub fn tell(tx: &mut Tx<'_>, staff: &Staff, ticket: Id<Ticket>, doing: Doing) -> Result<()> {
    query::get_for_staff(tx, staff, ticket)?;
    let (user, now) = (author(staff)?, tx.now());
    let before = tx.query_one(&FIND, params![ticket, user], |row| {
        Ok((row.get::<Timestamp>(0)?, row.get::<Option<Timestamp>>(1)?))
    })?;
    let was_there = before.is_some_and(|(seen, _)| seen > now - GONE_AFTER);
    let typed = before.and_then(|(_, typed)| typed).filter(|at| *at > now - TYPING_FOR);
    let (seen_at, typed_at) = match doing {
        // Another tab of the same person may be where they write.
        Doing::Viewing => (now, typed),
        Doing::Typing => (now, Some(now)),
        Doing::Gone if before.is_none() => return Ok(()),
        Doing::Gone => (now - GONE_AFTER, None),
    };
    if was_there == (doing != Doing::Gone) && typed.is_some() == typed_at.is_some() {
        return tx.execute(&ALIVE, params![ticket, user, seen_at, typed_at]).map(|_| ());
    }
    tx.execute(&CHANGED, params![ticket, user, seen_at, typed_at, now])?;
    tx.wake(Wake::Events(tx.tenant()?));
    Ok(())
}

/// Lets the others look again: something of this person's that is not in the thread yet came or went.
pub(super) fn stir(tx: &mut Tx<'_>, user: Id<User>, ticket: Id<Ticket>) -> Result<()> {
    let (now, nothing) = (tx.now(), None::<Timestamp>);
    tx.execute(&CHANGED, params![ticket, user, now, nothing, now])?;
    tx.wake(Wake::Events(tx.tenant()?));
    Ok(())
}

/// The others who are there, or whose answer is on its way.
pub fn others(read: &Read<'_>, staff: &Staff, ticket: Id<Ticket>) -> Result<Vec<Present>> {
    let me = staff.user_id.map_or(uuid::Uuid::nil(), Id::uuid);
    let now = read.now();
    let since = now - GONE_AFTER;
    let there = read.query_all(&OTHERS, params![ticket, me, since], |row| {
        Ok((row.get::<Id<User>>(0)?, row.get::<Option<Timestamp>>(1)?))
    })?;
    let held = super::held::of(read, ticket)?;
    let mut out: Vec<Present> = Vec::with_capacity(there.len());
    for (user_id, typed) in there {
        let name = users::find(read, user_id)?.map(|u| u.name);
        let is_typing = typed.is_some_and(|at| at > now - TYPING_FOR);
        let is_sending = held.iter().any(|h| h.user_id == user_id);
        out.extend(name.map(|name| Present { user_id, name, is_typing, is_sending }));
    }
    for h in held.into_iter().filter(|h| !staff.is_user(Some(h.user_id))) {
        if !out.iter().any(|p| p.user_id == h.user_id) {
            out.push(Present { user_id: h.user_id, name: h.user_name, is_typing: false, is_sending: true });
        }
    }
    Ok(out)
}

/// A difference that others would see: where, whose, when.
pub type Stirred = (Id<Ticket>, Id<User>, Timestamp);

/// Differences after an instant, oldest first, for live streams.
pub fn since(read: &Read<'_>, after: Timestamp) -> Result<Vec<Stirred>> {
    read.query_all(&SINCE, params![after], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
}

/// Rows of those who are long gone.
pub(super) fn forget_old(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now() - base::minutes(10);
    tx.execute(&FORGET, params![before]).map(|_| ())
}

impl std::str::FromStr for Doing {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        match word {
            "viewing" => Ok(Self::Viewing),
            "typing" => Ok(Self::Typing),
            "gone" => Ok(Self::Gone),
            _ => Err(Error::field("doing", "presence.unknown", "one of viewing, typing, gone")),
        }
    }
}
