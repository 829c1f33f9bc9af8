//! How many letters may leave that nobody pressed "send" for. Past that they are held, and somebody is told.
//!
//! A robot at the other end that answers each of ours, a forged sender who is to drown in confirmations, two systems that
//! talk to each other: whatever it is, it ends here. What counts is what is in the outbox, so there is nothing to keep
//! in step.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use base::{Email, Result, TenantId, Timestamp, hours, minutes};
use db::{Read, Tx, params};
use identity::{tenants, users};
use uuid::Uuid;

use super::LetterKind;
use crate::inbox;

/// To a member of staff, who is told of other people's tickets.
const TO_STAFF: [(i64, i64); 2] = [(10, 60), (600, 600)];
/// About one ticket, to whomever.
const OF_TICKET: [(i64, i64); 2] = [(10, 100), (600, 500)];
/// About one customer, whatever their tickets and addresses.
const OF_CUSTOMER: [(i64, i64); 2] = [(10, 100), (600, 500)];
/// The time of the tenant's own limit.
const TENANT_MINUTES: i64 = 10;

db::statements! {
    TO = "select count(*) from (select 1 as one from letters where tenant_id = ?1 and to_email = ?2 and created_at > ?3 and automatic and status <> 'held' limit ?4) as lately";
    ABOUT = "select count(*) from (select 1 as one from letters where tenant_id = ?1 and ticket_id = ?2 and id > ?3 and automatic and status <> 'held' limit ?4) as lately";
    OF_ONE = "select count(*) from (select 1 as one from letters where tenant_id = ?1 and customer_id = ?2 and created_at > ?3 and automatic and status <> 'held' limit ?4) as lately";
    BY_TENANT = "select count(*) from (select 1 as one from letters where tenant_id = ?1 and id > ?2 and automatic and status <> 'held' limit ?3) as lately";
    HELD_SINCE = "select 1 from letters where tenant_id = ?1 and status = 'held' and id > ?2 limit 1";
}

/// The least id of something made at an instant: ids carry their time.
fn id_at(at: Timestamp) -> Uuid {
    let millisecond = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(u128::from(millisecond) << 80)
}

/// Whether one more would be too many. Members of staff have only the limit to their own address: what is told to them
/// goes to people the business chose.
pub(super) fn is_spent(
    read: &Read<'_>,
    kind: LetterKind,
    to: &Email,
    ticket: Option<Uuid>,
    customer: Option<Uuid>,
) -> Result<bool> {
    // Somebody who cannot sign in waits for this letter; how often it is asked for has a limit of its own.
    if kind.signs_in() {
        return Ok(false);
    }
    let now = read.now();
    let one = |row: &db::Row<'_>| row.get::<i64>(0);
    let settings = tenants::get(read, read.tenant()?)?.settings;
    let own = i64::from(settings.letters_to_one_per_10_minutes);
    let to_one = if kind.is_to_staff() { TO_STAFF } else { [(10, own), (600, own * 10)] };
    for (window, most) in to_one {
        let since = now - minutes(window);
        if read.query_one(&TO, params![to, since, most], one)?.unwrap_or(0) >= most {
            return Ok(true);
        }
    }
    if kind.is_to_staff() {
        return Ok(false);
    }
    if let Some(ticket) = ticket {
        for (window, most) in OF_TICKET {
            let since = id_at(now - minutes(window));
            if read.query_one(&ABOUT, params![ticket, since, most], one)?.unwrap_or(0) >= most {
                return Ok(true);
            }
        }
    }
    if let Some(customer) = customer {
        for (window, most) in OF_CUSTOMER {
            let since = now - minutes(window);
            if read.query_one(&OF_ONE, params![customer, since, most], one)?.unwrap_or(0) >= most {
                return Ok(true);
            }
        }
    }
    let most = i64::from(settings.letters_per_10_minutes);
    let since = id_at(now - minutes(TENANT_MINUTES));
    Ok(read.query_one(&BY_TENANT, params![since, most], one)?.unwrap_or(0) >= most)
}

/// How long somebody who has had too many is not asked about again: in a flood that would be the same count for each letter.
const PAUSES_FOR: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);
/// Members of staff of whom this is remembered.
const REMEMBERED_MAX: usize = 1_000;

/// Whether somebody gets no letters for now that they can do without. Found out by counting, it holds for a little while.
pub(super) fn pauses(read: &Read<'_>, kind: LetterKind, to: &Email) -> Result<bool> {
    static UNTIL: Mutex<BTreeMap<(TenantId, String), Timestamp>> = Mutex::new(BTreeMap::new());
    let until = || UNTIL.lock().unwrap_or_else(PoisonError::into_inner);
    let (now, whose) = (read.now(), (read.tenant()?, to.key()));
    let is_remembered = until().get(&whose).is_some_and(|until| *until > now && now + PAUSES_FOR >= *until);
    if !is_remembered {
        if !is_spent(read, kind, to, None, None)? {
            return Ok(false);
        }
        let mut until = until();
        if until.len() >= REMEMBERED_MAX {
            until.clear();
        }
        until.insert(whose, now + PAUSES_FOR);
    }
    Ok(true)
}

/// Tells the administrators that members of staff get no more letters about new tickets for a while, once an hour:
/// whoever leaves such letters out says so here in the same transaction.
pub fn tell_of_pause(tx: &mut Tx<'_>) -> Result<()> {
    let since = tx.now() - hours(1);
    for user in users::staff(tx)?.into_iter().filter(|u| u.role.is_admin() && u.disabled_at.is_none()) {
        let title = "Letters to staff about new tickets pause: too many came in a short time";
        inbox::notify_unless_told(tx, user.id, "letters_paused", title, since)?;
    }
    Ok(())
}

/// Tells the administrators that letters wait, once in an hour of letters that are held.
pub(super) fn tell(tx: &mut Tx<'_>) -> Result<()> {
    let since = id_at(tx.now() - hours(1));
    if tx.query_one(&HELD_SINCE, params![since], |_| Ok(()))?.is_some() {
        return Ok(());
    }
    for user in users::staff(tx)?.into_iter().filter(|u| u.role.is_admin() && u.disabled_at.is_none()) {
        let title = "Automatic letters are held: too many to the same place in a short time";
        inbox::notify(tx, user.id, "letters_held", title, None)?;
    }
    Ok(())
}
