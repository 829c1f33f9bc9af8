//! Saved views: a list somebody asks for again and again, theirs alone, a team's, or everybody's.
//!
//! A view holds the parameters of the list as callers write them, so that a page's address and a view are one thing. Who
//! reads a list through a view sees what they may see, no more.

use std::collections::BTreeMap;

use base::{Error, Id, OrNotFound, Result, Timestamp, text};
use db::{Read, Row, Tx, params};
use identity::{Staff, User, teams, teams::Team};
use serde::Serialize;

#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SavedView {
    pub id: Id<SavedView>,
    pub name: String,
    pub owner_id: Id<User>,
    /// The team it is shared with.
    pub team_id: Option<Id<Team>>,
    /// Shared with all of the staff.
    pub is_for_all: bool,
    /// Parameters of the list: `status`, `priority`, `assigned_to`, `q`, `order`, …
    pub query: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A view about to be saved. Its parameters were read as a filter before.
#[derive(Clone, Debug)]
pub struct NewView {
    pub name: String,
    pub query: BTreeMap<String, String>,
    pub sharing: Sharing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    Personal,
    Team(Id<Team>),
    Everybody,
}

/// What to change; absent stays.
#[derive(Clone, Debug, Default)]
pub struct ViewPatch {
    pub name: Option<String>,
    pub query: Option<BTreeMap<String, String>>,
    pub sharing: Option<Sharing>,
}

db::statements! {
    INSERT = "insert into saved_views (tenant_id, id, name, owner_id, team_id, is_for_all, query, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)";
    SAVE = "update saved_views set name = ?3, team_id = ?4, is_for_all = ?5, query = ?6, updated_at = ?7 where tenant_id = ?1 and id = ?2";
    DELETE = "delete from saved_views where tenant_id = ?1 and id = ?2";
    BY_ID = "select v.id, v.name, v.owner_id, v.team_id, v.is_for_all, v.query, v.created_at, v.updated_at from saved_views v where v.tenant_id = ?1 and v.id = ?2";
    FOR = "select v.id, v.name, v.owner_id, v.team_id, v.is_for_all, v.query, v.created_at, v.updated_at from saved_views v
        where v.tenant_id = ?1 and (v.owner_id = ?2 or v.is_for_all or exists (
            select 1 from team_members m where m.tenant_id = v.tenant_id and m.team_id = v.team_id and m.user_id = ?2))
        order by case when v.owner_id = ?2 then 0 else 1 end, v.name, v.id limit ?3";
    COUNT_OWN = "select count(*) from saved_views where tenant_id = ?1 and owner_id = ?2";
    OF_TEAM = "update saved_views set team_id = null where tenant_id = ?1 and team_id = ?2";
}

/// The most one person may own of a list that is drawn on every page, and the fewest of others' that are shown beside.
pub const MOST: usize = 50;

fn map(row: &Row<'_>) -> Result<SavedView> {
    let mut c = row.columns();
    let (id, name, owner_id, team_id, is_for_all) = (c.next()?, c.next()?, c.next()?, c.next()?, c.next()?);
    let query = serde_json::from_value(c.next()?).map_err(Error::from_source)?;
    Ok(SavedView {
        id,
        name,
        owner_id,
        team_id,
        is_for_all,
        query,
        created_at: c.next()?,
        updated_at: c.next()?,
    })
}

/// The views this member of staff sees, by name. A key has none of its own and sees those that are everybody's.
pub fn visible(read: &Read<'_>, staff: &Staff) -> Result<Vec<SavedView>> {
    let me = staff.user_id.map_or(uuid::Uuid::nil(), Id::uuid);
    // Their own come first, so that no number of others' hides one of them.
    let mut views = read.query_all(&FOR, params![me, 2 * MOST as i64], map)?;
    views.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(views)
}

/// One of the views this member of staff sees.
pub fn get(read: &Read<'_>, staff: &Staff, id: Id<SavedView>) -> Result<SavedView> {
    let view = read.query_one(&BY_ID, params![id], map)?.or_not_found("view")?;
    let theirs = staff.is_user(Some(view.owner_id))
        || view.is_for_all
        || match (view.team_id, staff.user_id) {
            (Some(team), Some(me)) => teams::get(read, team)?.members.contains(&me),
            _ => false,
        };
    if theirs { Ok(view) } else { Err(Error::not_found("view")) }
}

/// Whether they may share with these people: teams of their own; everybody is an admin's.
pub(crate) fn check_sharing(read: &Read<'_>, staff: &Staff, sharing: Sharing) -> Result<()> {
    match sharing {
        Sharing::Personal => Ok(()),
        Sharing::Everybody if staff.is_admin() => Ok(()),
        Sharing::Everybody => Err(Error::forbidden("view.sharing", "an admin shares with everybody")),
        Sharing::Team(team) => {
            let team = teams::get(read, team)
                .map_err(|_| Error::field("team_id", "team.unknown", "there is no such team"))?;
            let member = staff.user_id.is_some_and(|me| team.members.contains(&me));
            if member || staff.is_admin() {
                return Ok(());
            }
            Err(Error::forbidden("view.sharing", "you share with teams you are a member of"))
        }
    }
}

fn check_name(name: &str) -> Result<String> {
    text::line("name", name, 60)
}

fn parts(sharing: Sharing) -> (Option<Id<Team>>, bool) {
    match sharing {
        Sharing::Personal => (None, false),
        Sharing::Team(team) => (Some(team), false),
        Sharing::Everybody => (None, true),
    }
}

/// Saves a view.
///
/// # Errors
/// `view.too_many`, `view.sharing`.
pub fn save(tx: &mut Tx<'_>, staff: &Staff, new: NewView) -> Result<SavedView> {
    let owner = staff.user_id.ok_or_else(|| {
        Error::forbidden("role.person_only", "a key has no views of its own; a person saves them")
    })?;
    let name = check_name(&new.name)?;
    check_sharing(tx, staff, new.sharing)?;
    let own: i64 = tx.query_one(&COUNT_OWN, params![owner], |row| row.get(0))?.unwrap_or(0);
    if own >= MOST as i64 {
        return Err(Error::conflict("view.too_many", format!("at most {MOST} views each")));
    }
    let (id, now): (Id<SavedView>, _) = (tx.new_id(), tx.now());
    let (team, all) = parts(new.sharing);
    let query = serde_json::to_value(&new.query).map_err(Error::from_source)?;
    tx.execute(&INSERT, params![id, name, owner, team, all, query, now])?;
    get(tx, staff, id)
}

fn changeable(read: &Read<'_>, staff: &Staff, id: Id<SavedView>) -> Result<SavedView> {
    let view = get(read, staff, id)?;
    if staff.is_user(Some(view.owner_id)) || staff.is_admin() {
        return Ok(view);
    }
    Err(Error::forbidden("view.others", "its owner or an admin may change this view; save one of your own"))
}

/// Renames a view, changes what it asks for or who sees it. Its owner may, and admins.
pub fn change(tx: &mut Tx<'_>, staff: &Staff, id: Id<SavedView>, patch: ViewPatch) -> Result<SavedView> {
    let view = changeable(tx, staff, id)?;
    let name = patch.name.as_deref().map_or(Ok(view.name), check_name)?;
    if let Some(sharing) = patch.sharing {
        check_sharing(tx, staff, sharing)?;
    }
    let (team, all) = patch.sharing.map_or((view.team_id, view.is_for_all), parts);
    let query = serde_json::to_value(patch.query.unwrap_or(view.query)).map_err(Error::from_source)?;
    let now = tx.now();
    tx.execute(&SAVE, params![id, name, team, all, query, now])?;
    tx.query_one(&BY_ID, params![id], map)?.or_not_found("view")
}

/// Deletes a view. Its owner may, and admins.
pub fn delete(tx: &mut Tx<'_>, staff: &Staff, id: Id<SavedView>) -> Result<()> {
    changeable(tx, staff, id)?;
    tx.execute(&DELETE, params![id]).map(|_| ())
}

/// Views of a team that is about to be deleted become their owners' own.
pub fn leave_team(tx: &mut Tx<'_>, team: Id<Team>) -> Result<()> {
    tx.execute(&OF_TEAM, params![team]).map(|_| ())
}
