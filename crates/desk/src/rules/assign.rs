//! Whose turn it is: in turn, or who has least to do, among those of a team who are there.

use std::collections::HashMap;

use base::{Id, Result};
use db::{Read, Tx, params};
use identity::{User, teams, teams::Team, users};

use crate::tickets::counts;

db::statements! {
    BEGIN = "insert into rule_rotations (tenant_id, team_id, last_user_id) values (?1, ?2, null) on conflict (tenant_id, team_id) do nothing";
    // Held until the commit: of two tickets at once the second sees whom the first was given to.
    LOCK = "select last_user_id from rule_rotations where tenant_id = ?1 and team_id = ?2 {lock}";
    LAST = "select last_user_id from rule_rotations where tenant_id = ?1 and team_id = ?2";
    MOVE = "update rule_rotations set last_user_id = ?3 where tenant_id = ?1 and team_id = ?2";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Turn,
    LeastBusy,
}

/// Takes the next person of a team; none when nobody is there.
pub fn take(tx: &mut Tx<'_>, team: Id<Team>, by: By) -> Result<Option<Id<User>>> {
    tx.execute(&BEGIN, params![team])?;
    let last = tx.query_one(&LOCK, params![team], |row| row.get::<Option<Id<User>>>(0))?.flatten();
    let chosen = choose(tx, team, by, last)?;
    if let Some(user) = chosen {
        tx.execute(&MOVE, params![team, user])?;
    }
    Ok(chosen)
}

/// Who would be taken now.
pub fn peek(read: &Read<'_>, team: Id<Team>, by: By) -> Result<Option<Id<User>>> {
    let last = read.query_one(&LAST, params![team], |row| row.get::<Option<Id<User>>>(0))?.flatten();
    choose(read, team, by, last)
}

fn choose(read: &Read<'_>, team: Id<Team>, by: By, last: Option<Id<User>>) -> Result<Option<Id<User>>> {
    let there = available(read, team)?;
    // Those after the last one first, then from the beginning.
    let at = last.map_or(0, |last| there.iter().position(|u| *u > last).unwrap_or(0));
    let in_turn = there[at..].iter().chain(&there[..at]).copied();
    match by {
        By::Turn => Ok(in_turn.into_iter().next()),
        By::LeastBusy => {
            let busy = live_of_each(read)?;
            // Of equals the one whose turn is first.
            Ok(in_turn.into_iter().min_by_key(|u| busy.get(u).copied().unwrap_or(0)))
        }
    }
}

/// Members of a team who get tickets, by id: staff of any role, neither disabled nor away.
fn available(read: &Read<'_>, team: Id<Team>) -> Result<Vec<Id<User>>> {
    // A team that is gone has nobody.
    let Some(team) = teams::get(read, team).ok() else { return Ok(Vec::new()) };
    let now = read.now();
    let mut there: Vec<Id<User>> = users::staff(read)?
        .into_iter()
        .filter(|u| team.members.contains(&u.id) && u.disabled_at.is_none() && !u.is_away(now))
        .map(|u| u.id)
        .collect();
    there.sort();
    Ok(there)
}

fn live_of_each(read: &Read<'_>) -> Result<HashMap<Id<User>, i64>> {
    let mut out = HashMap::new();
    for (bucket, count) in counts::sums(read)? {
        if let Some(user) = bucket.assigned_to.filter(|_| bucket.status.is_live()) {
            *out.entry(user).or_insert(0) += count;
        }
    }
    Ok(out)
}
