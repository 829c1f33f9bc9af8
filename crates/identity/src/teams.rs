//! Groups tickets are given to.

use base::{Error, Id, OrNotFound, Result, Timestamp, text};
use db::{Read, Tx, params};
use serde::Serialize;

use crate::{User, audit};

#[derive(Clone, Debug, Serialize)]
pub struct Team {
    pub id: Id<Team>,
    pub name: String,
    pub created_at: Timestamp,
    pub members: Vec<Id<User>>,
}

db::statements! {
    INSERT = "insert into teams (tenant_id, id, name, name_key, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?5) on conflict do nothing";
    RENAME = "update teams set name = ?3, name_key = ?4, updated_at = ?5 where tenant_id = ?1 and id = ?2
        and not exists (select 1 from teams o where o.tenant_id = ?1 and o.name_key = ?4 and o.id <> ?2)";
    BY_ID = "select id, name, created_at from teams where tenant_id = ?1 and id = ?2";
    ALL = "select id, name, created_at from teams where tenant_id = ?1 order by name_key";
    MEMBERS = "select team_id, user_id from team_members where tenant_id = ?1";
    JOIN = "insert into team_members (tenant_id, team_id, user_id) values (?1, ?2, ?3) on conflict do nothing";
    LEAVE_ALL = "delete from team_members where tenant_id = ?1 and team_id = ?2";
    DELETE = "delete from teams where tenant_id = ?1 and id = ?2";
    MEMBERS_OF = "select user_id from team_members where tenant_id = ?1 and team_id = ?2 order by user_id";
}

pub fn create(tx: &mut Tx<'_>, name: &str) -> Result<Team> {
    let name = text::line("name", name, 60)?;
    let (id, now): (Id<Team>, _) = (tx.new_id(), tx.now());
    if tx.execute(&INSERT, params![id, name, name.to_lowercase(), now])? == 0 {
        return Err(Error::conflict("team.exists", "there is a team with this name already"));
    }
    let team = get(tx, id)?;
    audit::record(tx, audit::Change::new("team.created", "team", Some(id.uuid())).to(&team))?;
    Ok(team)
}

pub fn rename(tx: &mut Tx<'_>, id: Id<Team>, name: &str) -> Result<Team> {
    let before = get(tx, id)?;
    let name = text::line("name", name, 60)?;
    let now = tx.now();
    if tx.execute(&RENAME, params![id, name, name.to_lowercase(), now])? == 0 {
        return Err(Error::conflict("team.exists", "there is a team with this name already"));
    }
    let after = get(tx, id)?;
    audit::record(tx, audit::Change::new("team.renamed", "team", Some(id.uuid())).from(&before).to(&after))?;
    Ok(after)
}

/// Replaces the members.
pub fn set_members(tx: &mut Tx<'_>, id: Id<Team>, members: &[Id<User>]) -> Result<Team> {
    let before = get(tx, id)?;
    tx.execute(&LEAVE_ALL, params![id])?;
    for member in members {
        let user = crate::users::find(tx, *member)?.filter(|u| u.role.is_staff());
        if user.is_none() {
            return Err(Error::field("members", "team.member", "every member must be a user of the staff"));
        }
        tx.execute(&JOIN, params![id, member])?;
    }
    let after = get(tx, id)?;
    audit::record(
        tx,
        audit::Change::new("team.members_changed", "team", Some(id.uuid())).from(&before).to(&after),
    )?;
    Ok(after)
}

/// Deletes a team that no ticket names any more.
pub fn delete(tx: &mut Tx<'_>, id: Id<Team>) -> Result<()> {
    let before = get(tx, id)?;
    tx.execute(&LEAVE_ALL, params![id])?;
    tx.execute(&DELETE, params![id])?;
    audit::record(tx, audit::Change::new("team.deleted", "team", Some(id.uuid())).from(&before))
}

/// That there is such a team, asked once in a piece of work.
pub fn check_there(read: &Read<'_>, id: Id<Team>) -> Result<()> {
    let found: Vec<Id<Team>> = read.recall(&BY_ID, params![id], |row| row.get(0))?;
    if found.is_empty() { Err(base::Error::not_found("team")) } else { Ok(()) }
}

pub fn get(read: &Read<'_>, id: Id<Team>) -> Result<Team> {
    let team = read.query_one(&BY_ID, params![id], |row| {
        Ok(Team { id: row.get(0)?, name: row.get(1)?, created_at: row.get(2)?, members: Vec::new() })
    })?;
    let mut team = team.or_not_found("team")?;
    team.members = read.query_all(&MEMBERS_OF, params![id], |row| row.get(0))?;
    Ok(team)
}

pub fn all(read: &Read<'_>) -> Result<Vec<Team>> {
    let mut teams = read.query_all(&ALL, params![], |row| {
        Ok(Team { id: row.get(0)?, name: row.get(1)?, created_at: row.get(2)?, members: Vec::new() })
    })?;
    read.for_each(&MEMBERS, params![], |row| {
        let (team, user): (Id<Team>, Id<User>) = (row.get(0)?, row.get(1)?);
        if let Some(team) = teams.iter_mut().find(|t| t.id == team) {
            team.members.push(user);
        }
        Ok(true)
    })?;
    Ok(teams)
}
